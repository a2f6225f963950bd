// Keeps pages fresh, copies texts, shows progress. Every page works without it.
"use strict";

const said = document.getElementById("said");
const account = document.body.dataset.account;
const say = (text) => { if (said) said.textContent = text; };

// Copy buttons.
document.querySelectorAll("button.copy").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    const label = button.firstChild;
    label.data = "Copied";
    say("Copied");
    setTimeout(() => { label.data = "Copy"; }, 2000);
  });
});

// Times in the reader's own zone, shown when the pointer is over them.
const showTimes = (root) => root.querySelectorAll("time").forEach((time) => {
  time.title = new Date(time.dateTime).toLocaleString();
});
showTimes(document);

// Parts marked data-live are read again when something happened. A part the user is busy with stays as it is.
const hold = document.getElementById("pause");
const isBusy = (part) => (hold?.checked && part.id === "events") || part.contains(document.activeElement) || part.querySelector("details[open]")
  || [...part.querySelectorAll("input:not([type=hidden])")].some((input) => input.value !== input.defaultValue);

let reading = false;
const refresh = async () => {
  if (reading || document.hidden || !document.querySelector("[data-live]")) return;
  reading = true;
  try {
    const answer = await fetch(location.href, { headers: { "X-Refresh": "1" } });
    if (answer.redirected) { location.assign("/login"); return; }
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelectorAll("[data-live]").forEach((part) => {
      const fresh = page.getElementById(part.id);
      if (!fresh || isBusy(part)) return;
      // Words such as "5 seconds ago" change all the time: screen readers need not announce them.
      if (fresh.textContent.replace(/\d+/g, "") !== part.textContent.replace(/\d+/g, "")) say("The page has changed.");
      part.replaceWith(document.importNode(fresh, true));
    });
    showTimes(document);
  } catch { /* The gateway may be restarting: the next refresh tries again. */ } finally { reading = false; }
};
setInterval(refresh, 10000);
hold?.addEventListener("change", refresh);
document.addEventListener("visibilitychange", refresh);

// The progress of a backup.
const backupState = document.getElementById("backup-state");
document.getElementById("backup")?.addEventListener("click", () => {
  backupState.textContent = "The store is being copied. The file comes when that is done.";
});
const tellBackup = (message) => {
  if (!backupState || message.type === "gap") return;
  const event = JSON.parse(message.data);
  if (event.kind !== "backup") return;
  backupState.textContent = event.data.percent < 100
    ? `The store is being copied: ${event.data.percent} %` : "Copied. The browser is saving the file.";
};

let timer;
const hear = (message) => {
  tellBackup(message);
  clearTimeout(timer);
  timer = setTimeout(refresh, 300);
};
// Only while somebody looks: a browser has six connections to a gateway, for all its pages together.
let source;
const listen = () => {
  source?.close();
  source = undefined;
  if (!account || document.hidden) return;
  source = new EventSource(`/api/v1/events?account=${encodeURIComponent(account)}`);
  source.addEventListener("message", hear);
  source.addEventListener("gap", hear);
};
listen();
document.addEventListener("visibilitychange", listen);
addEventListener("pagehide", () => source?.close());

// Forms with a file show that they are busy, and refuse a file that is too large at once.
document.querySelectorAll("form[data-busy]").forEach((form) => {
  const [button, state, file] = ["button", ".busy", "[type=file]"].map((what) => form.querySelector(what));
  form.addEventListener("submit", (event) => {
    const { largest, busy } = form.dataset;
    if (file.files[0]?.size > Number(largest)) {
      event.preventDefault();
      state.textContent = `This file has more than ${Math.floor(largest / 1e6)} MB, the limit.`;
      return;
    }
    state.textContent = busy;
    button.disabled = true;
  });
  // Back from the next page: the form is as it was.
  addEventListener("pageshow", () => { state.textContent = ""; button.disabled = false; });
});
