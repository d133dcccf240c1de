"""The smallest browser around WebKitGTK that WebDriver can steer: it prints its console, and may be phone-narrow.

WebKitGTK's own MiniBrowser is silent when it is steered, and wider. The system's Python runs this: it has the bindings.
"""

import sys

import gi  # type: ignore[import-not-found]

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import Gtk, WebKit2  # type: ignore[import-not-found]  # noqa: E402

folder, proxy = sys.argv[1:]
data = WebKit2.WebsiteDataManager(base_data_directory=folder, base_cache_directory=folder)
data.set_network_proxy_settings(WebKit2.NetworkProxyMode.CUSTOM, WebKit2.NetworkProxySettings.new(proxy, ["127.0.0.1"]))
context = WebKit2.WebContext.new_with_website_data_manager(data)
context.set_automation_allowed(True)
settings = WebKit2.Settings(enable_write_console_messages_to_stdout=True)
view = WebKit2.WebView(web_context=context, settings=settings, is_controlled_by_automation=True)
context.connect("automation-started", lambda _, session: session.connect("create-web-view", lambda *_: view))
view.connect("close", Gtk.main_quit)

window = Gtk.Window(decorated=False)
window.add(view)
window.connect("destroy", Gtk.main_quit)
window.show_all()
Gtk.main()
