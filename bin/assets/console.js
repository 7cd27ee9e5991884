// What makes the pages quicker. Everything here works without it as well.

const said = document.getElementById("said");

function offerCopying(root) {
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const field = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(field.value);
        said.textContent = "Copied";
        button.lastChild.textContent = " Copied";
      } catch {
        field.select();
        said.textContent = "Press Ctrl+C to copy";
      }
    });
  }
}

async function load(address) {
  const answer = await fetch(address, { redirect: "error" });
  if (!answer.ok) throw new Error(answer.statusText);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function show(dialog, opener) {
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener.focus();
  });
  dialog.showModal();
}

// Whether a form has anything that its author would miss.
function changed(form) {
  return [...form.elements].some((field) =>
    field.type === "checkbox" ? field.checked !== field.defaultChecked
      : field.options ? [...field.options].some((one) => one.selected !== one.defaultSelected && one.defaultSelected)
        : field.defaultValue !== undefined && field.value !== field.defaultValue);
}

// A link to a form opens it in a drawer from the right.
async function openDrawer(link) {
  const page = await load(link.href);
  const form = page.getElementById("drawer");
  if (!form) throw new Error("no drawer");
  const dialog = document.createElement("dialog");
  dialog.className = "right";
  dialog.setAttribute("aria-labelledby", "drawer-title");
  dialog.append(document.adoptNode(form));
  const may = () => !changed(dialog.querySelector("form")) || confirm("Leave without saving?");
  dialog.addEventListener("cancel", (event) => {
    if (!may()) event.preventDefault();
  });
  for (const link of dialog.querySelectorAll("[data-close]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      if (may()) dialog.close();
    });
  }
  offerCopying(dialog);
  show(dialog, link);
  dialog.querySelector("input:not([type=hidden]), select, textarea").focus();
}

async function openHelp(link) {
  const help = (await load(link.href)).getElementById("help");
  const dialog = document.createElement("dialog");
  dialog.className = "middle";
  dialog.setAttribute("aria-labelledby", "help-title");
  const close = document.createElement("button");
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  dialog.append(document.adoptNode(help), close);
  show(dialog, link);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-drawer], a[data-help]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const open = link.matches("[data-help]") ? openHelp : openDrawer;
  open(link).catch(() => location.assign(link.href));
});

// Puts a region of a page in the place of the one that is shown.
function swap(page, id) {
  const fresh = page.getElementById(id);
  const old = document.getElementById(id);
  if (!fresh || !old || old.innerHTML === fresh.innerHTML) return;
  old.replaceWith(document.adoptNode(fresh));
  offerCopying(fresh);
}

// A filter finds while somebody types, and its address can be shared.
for (const form of document.querySelectorAll("form[data-live]")) {
  let waiting;
  let latest = 0;
  const find = async () => {
    const mine = ++latest;
    const wanted = new URLSearchParams(new FormData(form));
    for (const [name, value] of [...wanted]) if (!value) wanted.delete(name);
    const address = `${location.pathname}?${wanted}`;
    try {
      const page = await load(address);
      if (mine !== latest) return;
      swap(page, form.dataset.live);
      history.replaceState(null, "", address);
      said.textContent = document.querySelector(`#${form.dataset.live} :is(caption, .empty)`)?.textContent ?? "";
    } catch {
      form.submit();
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(find, 250);
  });
}

// What happens elsewhere shows without a reload, unless somebody is busy with it or stopped it.
let paused = sessionStorage.getItem("paused") === "yes";

function refresh(id, seconds) {
  setTimeout(async () => {
    const region = document.getElementById(id);
    if (!region?.dataset.refresh) return;
    const busy = paused || document.hidden || document.querySelector("dialog[open]")
      || region.contains(document.activeElement) || region.querySelector("details[open]")
      || String(getSelection());
    try {
      if (!busy) swap(await load(location.href), id);
      refresh(id, seconds);
    } catch {
      // Signed out, or the server is away: the page stays as it is.
    }
  }, seconds * 1000);
}

function offerPausing(region) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet pause";
  const say = () => {
    button.textContent = paused ? "Resume live updates" : "Pause live updates";
  };
  button.addEventListener("click", () => {
    paused = !paused;
    sessionStorage.setItem("paused", paused ? "yes" : "no");
    say();
  });
  say();
  region.before(button);
}

for (const region of document.querySelectorAll("[data-refresh]")) {
  offerPausing(region);
  refresh(region.id, Number(region.dataset.refresh));
}

for (const choice of document.querySelectorAll("select[data-submit]")) {
  choice.addEventListener("change", () => choice.form.submit());
}
for (const button of document.querySelectorAll("[data-unscripted]")) button.hidden = true;

let going = false;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, dialog")) return;
  const kind = going ? "go" : "key";
  const target = event.key === "/" ? document.getElementById("q")
    : document.querySelector(`[data-${kind}="${CSS.escape(event.key)}"]`);
  going = event.key === "g" && !going;
  if (!target) return;
  event.preventDefault();
  target.focus();
  if (event.key !== "/") target.click();
});

offerCopying(document);
