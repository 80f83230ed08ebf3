// What a script can do better; every page works without it.
"use strict";

// Moments in the reader's own zone; the exact one stays where the pointer rests.
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) continue;
  const exact = time.dateTime;
  time.textContent = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(at);
  time.title = `${new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" }).format(at)} (${exact})`;
}

// Copies of ids and calls.
for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const said = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "copied";
    } catch {
      button.textContent = "not allowed";
    }
    setTimeout(() => { button.textContent = said; }, 1500);
  });
}

// ⌘K, Ctrl+K and / go to the search box.
document.addEventListener("keydown", (event) => {
  const box = document.getElementById("search");
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  const asked = ((event.metaKey || event.ctrlKey) && event.key === "k") || (event.key === "/" && !typing);
  if (!box || !asked) return;
  event.preventDefault();
  box.focus();
  box.select();
});

// A form is sent once, however often its button is pressed.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", () => {
    setTimeout(() => { for (const button of form.querySelectorAll("button")) button.disabled = true; }, 0);
  });
}

// What still moves is looked at again, while somebody looks at it and types nothing.
const moving = document.querySelector("[data-refresh]");
if (moving) {
  setInterval(() => {
    const typing = document.activeElement?.matches("input, textarea, select");
    if (!document.hidden && !typing) location.reload();
  }, 1000 * (Number(moving.dataset.refresh) || 5));
}
