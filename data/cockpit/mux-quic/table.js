/* A table of many rows of which one page is in the document: with a caption, sorted by its headings, filtered by what is typed, and
 * painted in place, so that focus and reading place stay where they are. On a narrow screen the stylesheet makes each row a card;
 * the roles are said in so many words because that takes a table's own away.
 *
 * new Table ({ id, title, columns, narrow, empty, choices, details }):
 *   columns  { id, title, text (row), and if wanted: paint (cell, row) instead of text, sort (row), search (row), end (at the right) }
 *   narrow   in rem: where the window is no wider, each row is a card
 *   empty    what stands there when there are no rows
 *   choices  if wanted: [{ label, test (row) }], the first is in force
 *   details  if wanted: (row) → [[name, text], …], shown below a row that is opened
 * Rows are objects with a `key`. */
import { arrange, element, setAttribute, setText } from "./dom.js";
import { _, count, format } from "./text.js";

const PAGE = 25;
/* Below it a person sees at a glance what a filter would find. */
const FILTER_FROM = 6;

const compare = (a, b) => a < b ? -1 : a > b ? 1 : 0;

export class Table {
  #columns;
  #parts = new Map(); /* key → { row, cells, more } */
  #open = new Set();
  #shown = [];
  #page = 0;
  #query = "";
  #choice = 0;
  #order = null; /* { column, down } */
  #rows = [];
  #empty = "";

  constructor(options) {
    this.options = options;
    this.#columns = options.columns;
    this.#build();
  }

  /* Those on the page, as they were painted last. */
  get shown() {
    return this.#shown;
  }

  focus() {
    this.heading.focus();
  }

  /* empty: what to say instead of `empty`, when it is known why there are no rows. */
  paint(rows, empty = this.options.empty) {
    this.#rows = rows;
    this.#empty = empty;
    this.#paint();
  }

  #build() {
    const { id, title, choices = [] } = this.options;

    this.total = element("span", { className: "total" });
    this.heading = element("h2", { id: `${id}-title`, tabIndex: -1 }, title, " ", this.total);
    this.filter = element("input", { "type": "search", "className": "field", "placeholder": _("Filter"), "aria-label": `${_("Filter")}: ${title}` });
    this.filter.addEventListener("input", () => this.#turn(() => this.#query = this.filter.value.trim().toLowerCase()));
    this.choice = element("select", { "className": "field", "aria-label": `${_("Show")}: ${title}`, "hidden": choices.length === 0 },
      ...choices.map(({ label }, i) => element("option", { value: String(i), textContent: label })));
    this.choice.addEventListener("change", () => this.#turn(() => this.#choice = Number(this.choice.value)));
    this.head = element("tr", { "role": "row", "data-label": _("Sort by") }, ...this.#columns.map(column => this.#heading(column)));
    this.body = element("tbody", { role: "rowgroup" });
    this.table = element("table", { "role": "table", "aria-labelledby": `${id}-caption` },
      element("caption", { id: `${id}-caption`, className: "unseen", textContent: title }),
      element("thead", { role: "rowgroup" }, this.head), this.body);
    this.nothing = element("p", { className: "nothing" });
    this.place = element("span", { className: "place" });
    this.before = this.#pageButton(_("Previous"), -1);
    this.after = this.#pageButton(_("Next"), 1);
    this.pages = element("nav", { "className": "pages", "aria-label": `${_("Pages")}: ${title}` }, this.place, this.before, this.after);
    this.element = element("section", { id, "className": "card", "aria-labelledby": `${id}-title` },
      element("div", { className: "bar" }, this.heading, element("div", { className: "tools" }, this.choice, this.filter)),
      this.table, this.nothing, this.pages);
    this.#follow(window.matchMedia(`(max-width: ${this.options.narrow}rem)`));
  }

  #follow(narrow) {
    const apply = () => this.element.classList.toggle("cards", narrow.matches);

    narrow.addEventListener("change", apply);
    apply();
  }

  #heading(column) {
    const cell = element("th", { scope: "col", role: "columnheader", className: column.end ? "end" : "" });

    if (!column.sort) {
      cell.append(element("span", { className: column.silent ? "unseen" : "", textContent: column.title }));
      return cell;
    }
    const button = element("button", { type: "button", className: "sorter", textContent: column.title });
    button.addEventListener("click", () => this.#turn(() => {
      this.#order = { column, down: this.#order?.column === column && !this.#order.down };
    }));
    cell.append(button);
    return cell;
  }

  #pageButton(label, step) {
    const button = element("button", { type: "button", className: "button small", textContent: label });

    button.addEventListener("click", () => {
      if (button.getAttribute("aria-disabled") !== "true") {
        this.#page += step;
        this.#paint();
      }
    });
    return button;
  }

  #turn(change) {
    change();
    this.#page = 0;
    this.#paint();
  }

  #chosen() {
    const test = this.options.choices?.[this.#choice]?.test ?? (() => true);
    const words = this.#query.split(/\s+/).filter(word => word !== "");
    const searched = this.#columns.filter(column => column.search).map(column => column.search);
    const matches = row => {
      const text = searched.map(search => search(row)).join(" ").toLowerCase();
      return words.every(word => text.includes(word));
    };
    const rows = this.#rows.filter(row => test(row) && (words.length === 0 || matches(row)));

    if (this.#order === null)
      return rows;
    const { column, down } = this.#order;
    const keyed = rows.map((row, i) => ({ row, i, key: column.sort(row) }));
    keyed.sort((a, b) => (down ? compare(b.key, a.key) : compare(a.key, b.key)) || a.i - b.i);
    return keyed.map(({ row }) => row);
  }

  #paint() {
    const chosen = this.#chosen();
    const last = Math.max(0, Math.ceil(chosen.length / PAGE) - 1);

    this.#page = Math.min(Math.max(0, this.#page), last);
    this.#shown = chosen.slice(this.#page * PAGE, (this.#page + 1) * PAGE);
    this.#paintFrame(chosen.length, last);
    this.#dropGone();
    arrange(this.body, this.#shown.flatMap(row => this.#paintRow(row)));
  }

  #paintFrame(found, last) {
    const first = this.#page * PAGE;

    setText(this.total, found === this.#rows.length ? count(found)
      : format(_("$0 of $1"), count(found), count(this.#rows.length)));
    this.filter.hidden = this.#rows.length < FILTER_FROM && this.#query === "";
    this.table.hidden = found === 0;
    this.nothing.hidden = found > 0;
    setText(this.nothing, this.#rows.length === 0 ? this.#empty : _("Nothing matches. Clear the filter to see everything."));
    this.pages.hidden = last === 0;
    setText(this.place, format(_("$0–$1 of $2"), count(first + 1), count(Math.min(found, first + PAGE)), count(found)));
    setAttribute(this.before, "aria-disabled", String(this.#page === 0));
    setAttribute(this.after, "aria-disabled", String(this.#page === last));
    [...this.head.children].forEach((cell, i) => {
      if (this.#columns[i].sort)
        setAttribute(cell, "aria-sort", this.#order?.column !== this.#columns[i] ? "none"
          : this.#order.down ? "descending" : "ascending");
    });
  }

  /* A person whose place goes away finds himself at the heading. */
  #dropGone() {
    const keys = new Set(this.#shown.map(row => row.key));

    for (const [key, part] of this.#parts)
      if (!keys.has(key)) {
        if (part.row.contains(document.activeElement))
          this.focus();
        this.#parts.delete(key);
      }
    const all = this.#open.size > 0 ? new Set(this.#rows.map(row => row.key)) : null;
    for (const key of this.#open)
      if (!all.has(key))
        this.#open.delete(key);
  }

  #paintRow(row) {
    const part = this.#parts.get(row.key) ?? this.#makeRow(row.key);

    this.#columns.forEach((column, i) => {
      if (column.paint)
        column.paint(part.cells[i], row);
      else
        setText(part.cells[i], column.text(row));
    });
    if (!this.options.details)
      return [part.row];
    const open = this.#open.has(row.key);
    setAttribute(part.opener, "aria-expanded", String(open));
    setAttribute(part.opener, "aria-label", `${_("Details")}: ${this.#columns[0].search(row)}`);
    if (!open)
      return [part.row];
    this.#paintDetails(part, row);
    return [part.row, part.more];
  }

  #makeRow(key) {
    const cells = this.#columns.map(() => element("span", { className: "value" }));
    const row = element("tr", { role: "row" }, ...this.#columns.map((column, i) => element(i === 0 ? "th" : "td", {
      "role": i === 0 ? "rowheader" : "cell",
      "className": [`cell-${column.id}`, column.end ? "end" : ""].join(" ").trim(),
      "data-label": column.silent ? "" : column.title,
    }, cells[i])));
    const part = { row, cells };

    if (this.options.details)
      this.#makeDetails(part, key);
    row.firstChild.scope = "row";
    row.dataset.key = key;
    this.#parts.set(key, part);
    return part;
  }

  #makeDetails(part, key) {
    const text = element("span");

    part.opener = element("button", { type: "button", className: "opener" });
    part.opener.addEventListener("click", () => {
      if (!this.#open.delete(key))
        this.#open.add(key);
      this.#paint();
    });
    part.cells[0].append(part.opener, text);
    part.cells[0] = text;
    part.list = element("dl", { className: "details" });
    part.more = element("tr", { role: "row", className: "more" },
      element("td", { role: "cell", colSpan: this.#columns.length }, part.list));
  }

  #paintDetails(part, row) {
    const facts = this.options.details(row);

    while (part.list.children.length > facts.length)
      part.list.lastChild.remove();
    while (part.list.children.length < facts.length)
      part.list.append(element("div", {}, element("dt"), element("dd")));
    facts.forEach(([name, text], i) => {
      setText(part.list.children[i].firstChild, name);
      setText(part.list.children[i].lastChild, text);
    });
  }
}
