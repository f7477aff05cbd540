// "Please step aside": as large as the map, and with a sound where the screen has a loudspeaker.

import { t } from "./words.js";

const EVERY_MS = 4000;
const ask = document.getElementById("ask");
let rung = -Infinity;

// Whoever builds a loudspeaker of its own into the screen listens to `luna:asking` on the document.
export function showAsking(asking, goal) {
  ask.hidden = !asking;
  if (!asking) { rung = -Infinity; return; }
  document.getElementById("ask-note").textContent = t("pass_to", { goal });
  if (performance.now() - rung < EVERY_MS) return;
  rung = performance.now();
  const event = new CustomEvent("luna:asking", { detail: { goal }, cancelable: true });
  if (document.dispatchEvent(event)) ring();
}

let audio = null;

function ring() {
  try {
    audio ??= new AudioContext();
    for (const [note, from] of [[659, 0], [523, 0.35]]) {
      const tone = audio.createOscillator(), loud = audio.createGain(), at = audio.currentTime + from;
      tone.frequency.value = note;
      loud.gain.setValueAtTime(0.25, at);
      loud.gain.exponentialRampToValueAtTime(0.001, at + 0.6);
      tone.connect(loud).connect(audio.destination);
      tone.start(at);
      tone.stop(at + 0.6);
    }
  } catch { /* a screen without sound shows it all the same */ }
}
