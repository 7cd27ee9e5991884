// What makes the pages quicker. All of it works without.

// The path of the public URL, which forms leave out.
const path = new URL("../..", import.meta.url).pathname.slice(0, -1);
const carried = (at) => (at.pathname + at.search).slice(path.length);

// Says something to whoever does not see it. Behind a dialog nothing is heard.
function say(text) {
  const said = document.querySelector("dialog[open] .said") ?? document.getElementById("said");
  said.textContent = "";
  // The same words twice are heard twice only with a pause.
  setTimeout(() => { said.textContent = text; }, 60);
}

// Times are shown by the clock of whoever looks; UTC stands behind.
const clock = Intl.DateTimeFormat().resolvedOptions().timeZone;
const written = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });

function localize(root) {
  for (const one of root.querySelectorAll("time[datetime]")) {
    one.title = one.dateTime;
    one.textContent = written.format(new Date(one.dateTime));
  }
  for (const one of root.querySelectorAll("[data-zone]")) one.textContent = clock;
  for (const one of root.querySelectorAll("[data-clock]")) one.value = clock;
}

// Begins a part of a page that has just come: what needs a script shows itself.
function begin(root) {
  for (const one of root.querySelectorAll("[data-copy], [data-all], [data-keys], [data-scripted]")) one.hidden = false;
  for (const one of root.querySelectorAll("[data-unscripted]")) one.hidden = true;
  for (const one of root.querySelectorAll("details.sure > summary")) {
    one.setAttribute("role", "button");
    one.setAttribute("aria-haspopup", "dialog");
  }
  localize(root);
  for (const form of root.querySelectorAll("form[data-try]")) {
    import("./rules.js").then(({ assist }) => assist(form, { request, read, say }));
  }
  const keys = root.querySelector("#keys");
  if (keys) keys.checked = localStorage.getItem("keys") !== "off";
}

async function copy(button) {
  const field = document.getElementById(button.dataset.copy);
  const word = button.lastChild;
  try {
    await navigator.clipboard.writeText(field.value);
    word.textContent = " Copied";
    setTimeout(() => { word.textContent = " Copy"; }, 2000);
    say("Copied");
  } catch {
    field.select();
    say("Press Ctrl+C to copy");
  }
}

// Whoever is signed out is told so and stays.
class SignedOut extends Error {}

function signedOut(kept) {
  document.getElementById("signed-out")?.remove();
  const banner = document.createElement("p");
  banner.id = "signed-out";
  banner.className = "error";
  banner.setAttribute("role", "alert");
  const link = document.createElement("a");
  link.href = kept ?? `${path}/admin/login?next=${encodeURIComponent(carried(location))}`;
  link.textContent = "Sign in";
  // What was not sent yet stays here, and is sent once somebody signed in beside it.
  if (!kept && document.querySelector("dialog[open] form, form[data-dirty]")) link.target = "_blank";
  banner.append(kept ? "You are signed out. What you entered is kept. " : "You are signed out. ", link);
  (document.querySelector("dialog[open] form, dialog[open]") ?? document.querySelector("main")).prepend(banner);
}

// What a poll asks is no use of the session.
async function request(address, options, how = "1") {
  const answer = await fetch(address, { ...options, headers: { "X-Fragment": how } });
  if (answer.redirected && new URL(answer.url).pathname === `${path}/admin/login`) {
    signedOut(options.method && answer.url.includes("kept=1") ? answer.url : null);
    throw new SignedOut();
  }
  return answer;
}

async function read(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  // What is shown already is compared with it.
  localize(page);
  return page;
}

async function load(address, how) {
  const answer = await request(address, {}, how);
  if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
  return read(answer);
}

// A dialog; the focus returns to its opener.
function show(kind, title, opener, ...parts) {
  const dialog = document.createElement("dialog");
  dialog.className = kind;
  dialog.setAttribute("aria-labelledby", title);
  const said = document.createElement("p");
  said.className = "hidden said";
  said.setAttribute("role", "status");
  dialog.append(...parts, said);
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener?.focus();
  });
  begin(dialog);
  dialog.showModal();
  return dialog;
}

function button(text, kind, press) {
  const one = document.createElement("button");
  one.type = "button";
  one.className = kind;
  one.textContent = text;
  one.addEventListener("click", press);
  return one;
}

// Asks before something is done.
function ask(text, yes, kind, opener, go) {
  const question = document.createElement("p");
  question.id = "question";
  question.textContent = text;
  const buttons = document.createElement("div");
  buttons.className = "buttons";
  const dialog = show("middle", "question", opener, question, buttons);
  buttons.append(button("Cancel", "quiet", () => dialog.close()), button(yes, kind, () => {
    dialog.close();
    go();
  }));
  buttons.firstChild.focus();
}

// A link to a form opens it in a drawer; the way back closes it.
const entered = (dialog) => [...dialog.querySelectorAll("form")]
  .map((form) => new URLSearchParams(new FormData(form)).toString()).join("\n");
let closing = null;
// The address of a link that SVG draws is an object.
const target = (link) => link.href.baseVal ?? link.href;

async function openDrawer(link) {
  const form = (await load(target(link))).getElementById("drawer");
  if (!form) throw new Error("no drawer");
  const dialog = show("right", "drawer-title", link, document.adoptNode(form));
  let before = entered(dialog);
  const close = () => {
    if (entered(dialog) === before) return dialog.close();
    return ask("Leave without saving?", "Leave", "danger", document.activeElement, () => dialog.close());
  };
  history.pushState({ drawer: true }, "");
  closing = close;
  dialog.addEventListener("close", () => {
    closing = null;
    if (history.state?.drawer) history.back();
  });
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  dialog.addEventListener("click", (event) => {
    if (!event.target.closest("[data-close]")) return;
    event.preventDefault();
    close();
  });
  dialog.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-fetch]") || event.defaultPrevented) return;
    event.preventDefault();
    before = null;
    send(event.target, dialog, event.submitter).catch((error) => {
      if (!(error instanceof SignedOut)) event.target.submit();
    });
  });
  dialog.querySelector("input:not([type=hidden]), select, textarea").focus();
}

// What is refused is said in the drawer; anything else is a page of its own.
async function send(form, dialog, by) {
  const body = new URLSearchParams(new FormData(form));
  const to = by?.getAttribute("formaction") ?? form.action;
  const answer = await request(to, { method: "POST", body });
  if (answer.redirected) return location.replace(answer.url);
  const fresh = [200, 403, 409, 422].includes(answer.status)
    && (await read(answer)).getElementById("drawer");
  if (!fresh) throw new Error(answer.statusText);
  dialog.querySelector("#drawer").replaceWith(document.adoptNode(fresh));
  begin(dialog);
  dialog.querySelector(".error a, [aria-invalid]")?.focus();
  return dialog.scrollTo(0, 0);
}

addEventListener("popstate", () => {
  if (!closing) return;
  const open = document.querySelector("dialog.right");
  closing();
  // Whoever stays has the way back once more.
  if (open.open) history.pushState({ drawer: true }, "");
});

async function openHelp(link) {
  const help = (await load(link.href)).getElementById("help");
  const close = button("Close", "", () => close.closest("dialog").close());
  show("middle", "help-title", link, document.adoptNode(help), close);
}

// A file is read into the field that it stands for.
async function take(input) {
  const field = document.getElementById(input.dataset.into);
  field.value = await input.files[0]?.text() ?? field.value;
  say(`${input.files[0]?.name ?? "Nothing"} was read`);
}

let opening = false;
document.addEventListener("click", async (event) => {
  const copied = event.target.closest("[data-copy]");
  if (copied) return copy(copied);
  const sure = event.target.closest("details.sure > summary");
  if (sure) {
    event.preventDefault();
    const press = sure.parentElement.querySelector("button");
    const said = sure.parentElement.querySelector("p").textContent;
    return ask(said, press.textContent, "danger", sure, () => press.form.requestSubmit(press));
  }
  const link = event.target.closest("a[data-drawer], a[data-help]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return undefined;
  event.preventDefault();
  if (opening || document.querySelector("dialog[open]")) return undefined;
  opening = true;
  try {
    await (link.matches("[data-help]") ? openHelp : openDrawer)(link);
  } catch (error) {
    if (!(error instanceof SignedOut)) location.assign(target(link));
  }
  opening = false;
  return undefined;
});

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-all]")) {
    const boxes = target.form.querySelectorAll("input[type=checkbox][name]");
    for (const box of boxes) box.checked = target.checked;
  }
  if (target.matches("select[data-submit]")) target.form.submit();
  if (target.matches("[data-into]")) take(target);
  if (target.id === "keys") localStorage.setItem("keys", target.checked ? "on" : "off");
});

// Puts a region of a page in the place of the one that is shown.
function swap(page, id) {
  const fresh = page.getElementById(id);
  const old = document.getElementById(id);
  if (!fresh || !old || old.innerHTML === fresh.innerHTML) return;
  old.replaceWith(document.adoptNode(fresh));
  begin(fresh);
  watch(fresh);
}

// What leaves the page, and what comes back to it, has the filter that is shown.
function follow(form, address) {
  for (const field of document.querySelectorAll("form[action$='/export'] input[type=hidden]")) {
    const now = form.elements[field.name];
    if (now) field.value = now.value;
  }
  const next = document.querySelector(".bar [name=next]");
  if (next) next.value = address;
}

// A filter finds while somebody types, and its address can be shared.
for (const form of document.querySelectorAll("form[data-live]")) {
  let waiting;
  let latest = 0;
  const find = async () => {
    clearTimeout(waiting);
    const mine = ++latest;
    const wanted = new URLSearchParams(new FormData(form));
    for (const [name, value] of [...wanted]) if (!value) wanted.delete(name);
    if (!wanted.has("from") && !wanted.has("to")) wanted.delete("zone");
    const address = `${location.pathname}?${wanted}`;
    try {
      const page = await load(address);
      if (mine !== latest) return;
      swap(page, form.dataset.live);
      history.replaceState(null, "", address);
      follow(form, address);
      say(document.querySelector(`#${form.dataset.live} :is(caption, .empty)`)?.textContent ?? "");
    } catch (error) {
      if (!(error instanceof SignedOut)) form.submit();
    }
  };
  for (const one of form.querySelectorAll("button:not([type=button])")) one.hidden = true;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(find, 250);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    find();
  });
}

// What happens elsewhere shows without a reload, unless somebody is busy with it or stopped it.
let paused = sessionStorage.getItem("paused") === "yes";
const watched = new Set();

function refresh(id, seconds) {
  setTimeout(async () => {
    const region = document.getElementById(id);
    if (!region?.dataset.refresh) return unwatch(id);
    const busy = paused || document.hidden || document.querySelector("dialog[open]")
      || region.contains(document.activeElement) || region.querySelector("details[open]")
      || String(getSelection());
    try {
      if (!busy) swap(await load(location.href, "poll"), id);
    } catch (error) {
      // Who is signed out is told so. A server that is away comes back.
      if (error instanceof SignedOut) return unwatch(id);
    }
    return refresh(id, seconds);
  }, seconds * 1000);
}

// One button stops all of them, before the first.
function offerPausing(region) {
  const words = () => (paused ? "Resume live updates" : "Pause live updates");
  const pause = button(words(), "quiet pause", () => {
    paused = !paused;
    sessionStorage.setItem("paused", paused ? "yes" : "no");
    pause.textContent = words();
  });
  region.before(pause);
}

function watch(region) {
  if (!region.dataset.refresh || watched.has(region.id)) return;
  watched.add(region.id);
  if (!document.querySelector("button.pause")) offerPausing(region);
  refresh(region.id, Number(region.dataset.refresh));
}

function unwatch(id) {
  watched.delete(id);
  if (!watched.size) document.querySelector("button.pause")?.remove();
}

for (const region of document.querySelectorAll("[data-refresh]")) watch(region);

// Keys follow links and move the focus; they press nothing.
let going = 0;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
  if (localStorage.getItem("keys") === "off") return;
  if (event.target.closest("input, select, textarea, dialog, [contenteditable]")) return;
  const kind = Date.now() - going < 1500 ? "go" : "key";
  const target = event.key === "/"
    ? document.querySelector("main #q") ?? document.querySelector("main [role=search] input")
      ?? document.querySelector("#find")
    : document.querySelector(`[data-${kind}="${CSS.escape(event.key)}"]`);
  going = event.key === "g" && kind === "key" ? Date.now() : 0;
  if (!target) return;
  event.preventDefault();
  target.focus();
  if (target.matches("a[href]")) target.click();
});

// What was done is said once, and not again after a reload.
const address = new URL(location);
if (address.searchParams.has("done")) {
  for (const said of ["done", "done_to", "done_from"]) address.searchParams.delete(said);
  history.replaceState(history.state, "", address);
  const next = document.querySelector(".bar [name=next]");
  if (next) next.value = carried(address);
}

// Where somebody is stands within sight, and a menu closes when somebody goes elsewhere.
for (const one of document.querySelectorAll(".columns > nav [aria-current], .tabs [aria-current]")) {
  const line = one.closest("ul");
  line.scrollLeft = one.offsetLeft - line.offsetLeft - line.clientWidth / 3;
}
const menu = document.querySelector("details.menu");
document.addEventListener("pointerdown", ({ target }) => {
  if (menu?.open && !menu.contains(target)) menu.open = false;
});
menu?.addEventListener("keydown", ({ key }) => {
  if (key !== "Escape") return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// Whoever moved a rule goes on with it.
document.addEventListener("submit", ({ submitter }) => {
  if (submitter?.name === "direction") sessionStorage.setItem("pressed", submitter.value);
});
// Whoever leaves a form with what was entered is asked.
const whole = document.querySelector("form[data-dirty]");
const shown = whole && new URLSearchParams(new FormData(whole)).toString();
let sent = false;
whole?.addEventListener("submit", () => { sent = true; });
addEventListener("beforeunload", (event) => {
  if (!whole || sent) return;
  if (new URLSearchParams(new FormData(whole)).toString() !== shown) event.preventDefault();
});

const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
if (row?.matches("tr")) {
  const again = `button[value="${sessionStorage.getItem("pressed")}"]:not(:disabled)`;
  const goOn = row.querySelector(again) ?? row.querySelector(".toggle")
    ?? row.querySelector("a, button:not(:disabled)");
  // The browser goes to the row after the page has come, and takes the focus with it.
  addEventListener("load", () => setTimeout(() => goOn?.focus({ preventScroll: true })));
}
sessionStorage.removeItem("pressed");

begin(document);
