// What is offered while a rule is written, and what it makes of people meanwhile.

const OFFERS = 8;
const PAUSE = 300;

// What stands from the beginning of a word to where somebody writes, and what it can become.
function word(field, kind) {
  const at = field.selectionEnd;
  const before = field.value.slice(0, at);
  const from = (pattern) => at - pattern.exec(before)[0].length;
  if (field.name === "when") return { from: from(/[\w.:$-]*$/u), at, list: "paths", whole: false };
  if (field.name === "transforms") return { from: from(/\S?[^\n]*$/u), at, list: "known-transforms" };
  if (kind === "constant") return null;
  // Behind the sign stand the transforms of a part.
  const line = before.slice(before.lastIndexOf("\n") + 1);
  const list = line.includes(">") ? "known-transforms" : "paths";
  return { from: from(/(?<=^|[\n>])[^\n>]*$/u), at, list };
}

// A path as the pages show it, with the schema by its name.
const short = (path) => path.replace(/^urn:ietf:params:scim:schemas:extension:([^:]+):[^:]+:[^:]+:/u, "$1 › ");

// What fits: what begins so before what holds it.
function offered(form, { from, at, list, whole = true }, value) {
  const typed = value.slice(from, at).trim().toLowerCase();
  if (!typed && !whole) return [];
  const known = [...form.querySelector(`#${list}`).options];
  const place = (one) => (one.value.toLowerCase().startsWith(typed)
    ? 0 : short(one.value).toLowerCase().indexOf(typed));
  return known
    .filter((one) => place(one) >= 0 && one.value.toLowerCase() !== typed)
    .filter((one) => whole || !/[[(]/u.test(one.value))
    .sort((one, other) => Math.min(place(one), 1) - Math.min(place(other), 1))
    .slice(0, OFFERS);
}

function complete(form, field, say) {
  const list = document.createElement("ul");
  list.id = `offers-${field.name}`;
  list.className = "offers";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Suggestions");
  list.hidden = true;
  field.after(list);
  for (const [name, value] of [["autocomplete", "list"], ["controls", list.id], ["haspopup", "listbox"]]) {
    field.setAttribute(`aria-${name}`, value);
  }
  field.autocomplete = "off";
  let place = null;
  let chosen = -1;

  const close = () => {
    list.hidden = true;
    chosen = -1;
    field.removeAttribute("aria-activedescendant");
  };
  const choose = (at) => {
    const items = [...list.children];
    chosen = (at + items.length) % items.length;
    for (const [number, item] of items.entries()) item.setAttribute("aria-selected", number === chosen);
    field.setAttribute("aria-activedescendant", items[chosen].id);
  };
  const take = (item) => {
    const text = item.dataset.value;
    const space = field.value.slice(place.from, place.at).match(/^\s*/u)[0];
    field.setRangeText(space + text, place.from, place.at, "end");
    close();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    close();
    field.focus();
  };
  const offer = () => {
    place = word(field, form.elements.kind.value);
    const found = place && field.selectionStart === field.selectionEnd ? offered(form, place, field.value) : [];
    list.replaceChildren(...found.map((option, number) => {
      const item = document.createElement("li");
      item.id = `${list.id}-${number}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.dataset.value = option.value;
      const [text, said] = [document.createElement("code"), document.createElement("span")];
      text.textContent = short(option.value);
      item.title = option.value;
      text.dir = "auto";
      said.textContent = option.label === option.value ? "" : option.label;
      item.append(text, said);
      return item;
    }));
    close();
    list.hidden = !found.length;
    if (found.length) say(`${found.length} suggestions`);
  };

  field.addEventListener("input", offer);
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    // Down opens what is offered where nothing was typed.
    if (list.hidden && event.key === "ArrowDown" && event.altKey) offer();
    else if (list.hidden) return;
    else if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen < 0 ? -1 : chosen - 1);
    else if (event.key === "Escape") close();
    else if (event.key === "Enter" && chosen >= 0) take(list.children[chosen]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  // The field keeps the focus.
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    const item = event.target.closest("li");
    if (item) take(item);
  });
}

// What the rule makes of somebody, as it is written. What was asked before is not waited for.
function tryWhileWritten(form, request, read) {
  const region = form.querySelector("#tried");
  let waiting;
  let under = new AbortController();
  const ask = async () => {
    under.abort();
    under = new AbortController();
    const { signal } = under;
    region.setAttribute("aria-busy", "true");
    try {
      const body = new URLSearchParams(new FormData(form));
      const page = await read(await request(form.dataset.try, { method: "POST", body, signal }));
      const error = page.querySelector("#error")?.textContent.trim();
      const fresh = page.getElementById("tried");
      if (signal.aborted || !fresh) return;
      if (error) {
        const said = document.createElement("p");
        said.className = "soft";
        said.textContent = error;
        region.replaceChildren(said);
      } else region.replaceChildren(...document.adoptNode(fresh).childNodes);
    } catch {
      // Aborted, signed out or away: the button says what is wrong.
    } finally {
      if (!signal.aborted) region.removeAttribute("aria-busy");
    }
  };
  const whole = () => form.elements.source.value.trim() && form.elements.target.value;
  const later = () => {
    clearTimeout(waiting);
    under.abort();
    if (whole()) waiting = setTimeout(ask, PAUSE);
  };
  form.addEventListener("input", later);
  // Not everything that chooses from a list says that something was entered.
  form.addEventListener("change", (event) => {
    if (event.target.matches("select")) later();
  });
  if (whole() && !region.childElementCount) ask();
}

export function assist(form, { request, read, say }) {
  for (const name of ["when", "source", "transforms"]) complete(form, form.elements[name], say);
  tryWhileWritten(form, request, read);
}
