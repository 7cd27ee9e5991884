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
        button.textContent = "Copied";
      } catch {
        field.select();
        said.textContent = "Press Ctrl+C to copy";
      }
    });
  }
}

// A link to a form opens it in a drawer from the right.
async function openDrawer(link) {
  const answer = await fetch(link.href, { redirect: "error" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const form = page.getElementById("drawer");
  if (!answer.ok || !form) throw new Error("no drawer");
  const dialog = document.createElement("dialog");
  dialog.className = "right";
  dialog.setAttribute("aria-labelledby", "drawer-title");
  dialog.append(document.adoptNode(form));
  document.body.append(dialog);
  dialog.querySelector("[data-close]").addEventListener("click", (event) => {
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    link.focus();
  });
  offerCopying(dialog);
  dialog.showModal();
  dialog.querySelector("#name").focus();
}

for (const link of document.querySelectorAll("a[data-drawer]")) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openDrawer(link).catch(() => location.assign(link.href));
  });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, dialog")) return;
  const target = event.key === "/" ? document.getElementById("q") : document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!target) return;
  event.preventDefault();
  target.focus();
  if (event.key !== "/") target.click();
});

offerCopying(document);
