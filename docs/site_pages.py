# SPDX-License-Identifier: Apache-2.0
"""Makes the site of mkdocs.yml from pages that are written for a repository.

- The README is the site's first page, and docs/README.md, the table of pages, gives the order of the others. A link of the
  table to a folder's README.md brings all pages of the folder.
- What a page links to outside of docs becomes a page below source/: Markdown as it is, code highlighted, a folder as a list
  of its files. A link to what is not there ends the build.
- Headings get the anchors of GitHub, blocks `json NAME` show the name, and lists need no blank line before them.
"""
import pathlib
import posixpath
import re

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"(!?\[(?:[^][]|\[[^]]*\])*\]\()([^)\s#]*)((?:#[^)\s]*)?\))")
AT_HOME = {"README.md": "index.md", "docs/README.md": "pages.md"}
PICTURES = (".svg", ".png")
LANGUAGES = {".hpp": "cpp", ".cpp": "cpp", ".h": "cpp", ".cu": "cpp", ".py": "python", ".sh": "bash", ".cmake": "cmake",
             ".json": "json", ".yml": "yaml"}


def anchor(text, separator):
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", separator)


def place_of(path):
    """Where a path of the repository lies in the site."""
    if path in AT_HOME:
        return AT_HOME[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/") + "/README.md" * (ROOT / path).is_dir()
    if path.endswith(".md"):
        return path if "/" not in path else f"source/{path}"
    if path.endswith(PICTURES):
        return f"source/{path}"
    return f"source/{path or 'top'}/index.md" if (ROOT / path).is_dir() else f"source/{path}.md"


def link_outside_code(text, change):
    """Applies change(path) to the path of each relative link that is in no code."""
    def one(match):
        path = match.group(2)
        return match.group() if not path or re.match(r"[a-z]+:", path) else match.group(1) + change(path) + match.group(3)

    parts = re.split(r"(^```.*?^```|`[^`\n]+`)", text, flags=re.S | re.M)
    whole = "\0".join(parts[::2])
    code = iter(parts[1::2])
    return re.sub("\0", lambda _: next(code), LINK.sub(one, whole))


def linked_from(path):
    """Paths of the repository that a page links to."""
    found = []
    link_outside_code((ROOT / path).read_text(encoding="utf-8"),
                      lambda link: found.append(posixpath.normpath(posixpath.join(posixpath.dirname(path), link))) or link)
    return found


def shown(path):
    """Text of the page that shows a file or folder of the repository."""
    here = ROOT / path
    if here.is_dir():
        names = sorted(each.name + "/" * each.is_dir() for each in here.iterdir() if not each.name.startswith("."))
        return f"# {path or 'chimera'}/\n\n" + "".join(f"- `{name}`\n" for name in names)
    language = LANGUAGES.get(here.suffix, "cmake" if here.name == "CMakeLists.txt" else "text")
    head = "---\nsearch:\n  exclude: true\n---\n"
    return f"{head}# {path}\n\n````{language}\n{here.read_text(encoding='utf-8').rstrip()}\n````\n"


def outside_pages():
    """Paths outside of docs that the site shows: what its pages link to, and what those pages link to."""
    seen, todo = set(), ["README.md"] + [str(page.relative_to(ROOT)) for page in sorted((ROOT / "docs").rglob("*.md"))]
    while todo:
        page = todo.pop()
        for path in linked_from(page):
            path = "" if path == "." else path
            if not (ROOT / path).exists() or path.startswith(".."):
                raise PluginError(f"{page}: {path} is not there")
            if path not in seen and not path.startswith("docs/"):
                seen.add(path)
                todo += [path] if path.endswith(".md") else []
    return seen | {"README.md"}


def folder_pages(index):
    """A folder's README and its other pages, in the order in which that names them."""
    folder = posixpath.dirname(index)
    named = [path for path in linked_from(index) if posixpath.dirname(path) == folder and path.endswith(".md")]
    others = sorted(str(page.relative_to(ROOT)) for page in (ROOT / folder).glob("*.md"))
    return [place_of(path) for path in dict.fromkeys([index, *named, *others])]


def navigation():
    """Entries of the menu, by the table of docs/README.md."""
    entries = [{"chimera": "index.md"}, {"All pages": "pages.md"}]
    for row in re.findall(r"^\| (.+?) \| (.+) \|$", (ROOT / "docs/README.md").read_text(encoding="utf-8"), re.M):
        pages = []
        for link in re.findall(r"\]\(([^)#]+)", row[1]):
            path = posixpath.normpath(posixpath.join("docs", link))
            if posixpath.basename(path) == "README.md":
                title = posixpath.basename(posixpath.dirname(path)).capitalize()
                pages.append({title: folder_pages(path)})
            else:
                pages.append(place_of(path))
        if pages:
            entries += pages if len(pages) == 1 else [{row[0][0].upper() + row[0][1:]: pages}]
    return entries


def on_config(config):
    config.mdx_configs.setdefault("toc", {})["slugify"] = anchor
    config.nav = navigation()
    return config


def on_files(files, config):
    files.remove(files.get_file_from_path("README.md"))
    files.append(File.generated(config, "pages.md", content=(ROOT / "docs/README.md").read_text(encoding="utf-8")))
    for path in sorted(outside_pages()):
        if path.endswith(PICTURES):
            files.append(File.generated(config, place_of(path), abs_src_path=str(ROOT / path)))
            continue
        text = (ROOT / path).read_text(encoding="utf-8") if path.endswith(".md") else shown(path)
        files.append(File.generated(config, place_of(path), content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    place = page.file.src_uri
    path = {home: path for path, home in AT_HOME.items()}.get(place)
    if not path:
        path = f"docs/{place}" if (ROOT / "docs" / place).exists() else place.removeprefix("source/")
    if not path.endswith(".md") or not (ROOT / path).is_file():
        return markdown  # code, or a list of files

    def moved(link):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), link))
        return posixpath.relpath(place_of("" if target == "." else target), posixpath.dirname(place) or ".")

    text = re.sub(r"^```json (\S+)$", r'```json title="\1"', link_outside_code(markdown, moved), flags=re.M)
    return re.sub(r"^(?!\s*(?:[-*|#]|\d+\.) )(\S.*)\n(?=- )", r"\1\n\n", text, flags=re.M)
