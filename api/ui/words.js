// What the page says, in the reader's language. The words come with the page; those of another language when it is chosen.

let words = JSON.parse(document.getElementById("words").textContent);

// A sentence of the page itself, with its facts.
export const t = (key, facts = {}) => words.page[key].replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? "–");

// What a code of the robot means; undefined for one that a newer robot may have.
export const meaning = (section, code) => words[section]?.[code];

// Times are the library's, whatever the reader's own clock is set to.
const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const DAY = { weekday: "short", day: "numeric", month: "short" };
const shown = (time, form) => new Date(time).toLocaleString(words.language, { ...form, timeZone: words.time_zone });
export const clock = (time) => shown(time, CLOCK);
export const moment = (time) => shown(time, DAY) === shown(Date.now(), DAY) ? clock(time) : `${shown(time, DAY)}, ${clock(time)}`;

async function speak(language) {
  const answer = await fetch(`/ui/words-${language}.json`);
  if (!answer.ok) return;
  words = await answer.json();
  document.cookie = `language=${language}; Max-Age=31536000; Path=/; SameSite=Lax`;
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-say]")) node.textContent = t(node.dataset.say, JSON.parse(node.dataset.facts ?? "{}"));
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", t(node.dataset.label));
  document.dispatchEvent(new Event("luna:language"));
}

for (const link of document.querySelectorAll("#languages a")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    speak(link.lang).catch(() => { /* no connection: the page stays as it is, with its STOP */ });
  });
}
