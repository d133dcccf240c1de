// The languages of code that models write: by which names, coloured by which grammar, saved as which kind of file.

/** `{grammar, extension}` for a code block's info word, or undefined. */
export function languageOf(name) {
  return NAMES.get(name.toLowerCase());
}

/** The grammars in which pieces of another language are coloured as well. */
export const INSIDE = { xml: ['css', 'javascript'], markdown: ['xml'], dockerfile: ['bash'], shell: ['bash'] };

// Grammar and extension, then the names.
const LANGUAGES = `
  bash.sh bash sh shell zsh fish; c.c c h; cmake.cmake cmake; cpp.cpp cpp c++ cc cxx hpp;
  csharp.cs csharp cs c# dotnet; css.css css; dart.dart dart; diff.diff diff patch;
  dockerfile.dockerfile dockerfile docker containerfile; elixir.ex elixir ex exs; go.go go golang;
  gradle.gradle gradle; graphql.graphql graphql gql; haskell.hs haskell hs; ini.env env dotenv;
  ini.ini ini cfg conf editorconfig; ini.toml toml; java.java java; javascript.js javascript js jsx mjs cjs node;
  json.json json json5 jsonc jsonl geojson; julia.jl julia jl; kotlin.kt kotlin kt kts; latex.tex latex tex;
  less.less less; lua.lua lua; makefile.mk makefile make mk; markdown.md markdown md mdx; matlab.m matlab octave;
  nginx.conf nginx; objectivec.m objectivec objc objective-c; perl.pl perl pl; php.php php; plaintext.csv csv;
  plaintext.txt text txt plaintext plain; powershell.ps1 powershell ps1 pwsh; properties.properties properties;
  protobuf.proto protobuf proto; python.py python py python3 py3 ipython; r.r r; ruby.rb ruby rb; rust.rs rust rs;
  scala.scala scala; scss.scss scss sass; shell.txt console shell-session shellsession terminal;
  sql.sql sql mysql postgresql postgres sqlite plsql tsql; swift.swift swift; typescript.ts typescript ts mts cts;
  typescript.tsx tsx; vbnet.vb vbnet vb vba; xml.html html html5 xhtml; xml.svg svg; xml.vue vue;
  xml.xml xml xsd xsl rss plist; yaml.yaml yaml yml`;

const NAMES = new Map(
  LANGUAGES.split(';').flatMap((line) => {
    const [file, ...names] = line.trim().split(' ');
    const [grammar, extension] = file.split('.');
    return names.map((name) => [name, { grammar: grammar === 'plaintext' ? null : grammar, extension }]);
  }),
);
