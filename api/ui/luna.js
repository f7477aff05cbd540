// The live page: what the robot tells is drawn, and STOP goes out by two ways at once.

import { showAsking } from "./asking.js";
import { offerPlaces, showLost } from "./lost.js";
import * as session from "./session.js";
import { clock, meaning, moment, t } from "./words.js";

const $ = (id) => document.getElementById(id);
const say = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text; };
const SVG = "http://www.w3.org/2000/svg";
const make = (parent, name, attributes = {}, text = "") => {
  const node = document.createElementNS(parent.namespaceURI, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.textContent = text;
  return parent.appendChild(node);
};

const LOST_AFTER_MS = 1500;      // the robot tells something every 500 ms
const STOP_LIMIT_MS = 2000;
const LABEL_PX = 9;              // a phone's map is small, and its names are to be read
const SAME_PRESS_MS = 300;       // pointerdown and the click after it are one press
const TOLD_MS = 10000;           // so long a reader is told of their own stop: nobody tells them of its end
let places = new Map();

// ---- The link -----------------------------------------------------------------------------------------------------

let socket = null, heardAt = 0, bootId = null, lastId = null, retryMs = 300;
let reader = false;              // may not watch the robot: is shown what it tells them instead

function connect() {
  socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/api/v1/ws`);
  socket.onopen = sendToken;
  socket.onmessage = (event) => { heardAt = performance.now(); hear(JSON.parse(event.data)); };
  socket.onclose = (event) => {
    heardAt = 0;
    const refused = event.code === 4401;
    if (refused) return signedOut();
    watch();
    setTimeout(connect, retryMs);
    retryMs = Math.min(retryMs * 1.6, 3000);
  };
}

function sendToken() {
  const token = session.token();
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(token ? { type: "auth", token } : { type: "auth" }));
}

// Its token is over, perhaps while the machine slept: the next one, or whoever is there signs in again.
async function signedOut() {
  if (await session.renew()) return connect();
  if (session.token()) return setTimeout(signedOut, retryMs);  // the robot did not answer
  $("sign-in").hidden = false;
  $("account").hidden = true;
  watch();
}

function signedIn() {
  if (socket) { socket.onclose = null; socket.close(); }
  $("account").hidden = buttons.length === 0;
  if (buttons.length) orSay(showLinks);
  connect();
}

function watch() {
  if (reader && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "ping" }));  // else it says little
  const live = performance.now() - heardAt < LOST_AFTER_MS && heardAt > 0;
  const link = live ? "live" : $("sign-in").hidden ? "lost" : "unknown";
  document.body.dataset.link = link;
  say("link-text", t(link));
  if (!live) say("headline", t(link === "lost" ? "no_link" : "sign_in_to_see"));
  else if (reader) say("headline", t("your_messages"));
  labelStop();
}

function hear({ type, channel, id, data }) {
  if (channel && id) lastId = id;
  if (channel === "notifications") loadMessages();
  (HEARD[type] ?? (() => {}))(data);
}

const HEARD = {
  hello(data) {
    if (bootId && bootId !== data.boot_id) location.reload();  // new program, perhaps new files
    bootId = data.boot_id;
    retryMs = 300;
    $("sign-in").hidden = true;
    reader = data.role === "STUDENT";
    $("now").parentElement.hidden = reader;
    const channels = reader ? ["notifications"] : ["robot", "tasks"];
    socket.send(JSON.stringify({ type: "subscribe", channels, last_id: lastId }));
    loadFloor();
    if (reader) loadMessages();
  },
  status: showStatus,
  queue: showQueue,
  pose: showPose,
  plan: ({ points }) => $("plan").setAttribute("points", (points ?? []).map(([x, y]) => `${x},${-y}`).join(" ")),
  scan: ({ points }) => $("scan").setAttribute("d", (points ?? []).map(([x, y]) => `M${x} ${-y}h0`).join("")),
  emergency_stop: (stop) => showStop(stop),
  stopped: () => stopOutcome(true),
  stop_failed: () => stopOutcome(false),
};

// ---- What is shown ------------------------------------------------------------------------------------------------

const nameOf = (code) => places.get(code) ?? code ?? "–";

let known = null;

function showStatus(robot) {
  known = robot;
  const task = robot.current_task, drive = robot.navigation;
  const drives = robot.status === "NAVIGATING" && drive;
  const metres = drive?.distance_left_m > 0.5 ? `, ${t("metres_left", { metres: drive.distance_left_m.toFixed(0) })}` : "";
  const goal = drives ? nameOf(drive.waypoint) : null;
  const heldUp = drives && meaning("drive", drive.state), doing = meaning("status", robot.status) ?? robot.status;
  const driving = !drives ? null : heldUp ? `${heldUp}, ${t("on_the_way_to", { goal })}` : t("driving_to", { goal }) + metres;
  const at = nameOf(task?.step === "WAITING_FOR_LOAD" ? task.source_location : task?.destination_location);
  const waiting = task?.step?.startsWith("WAITING") ? t("waits_at", { place: at, step: [meaning("step", task.step), inSlot(task.slot)].filter(Boolean).join(", ") }) : null;
  const standing = robot.status === "STOPPED" || robot.status === "ERROR" || robot.status === "MAINTENANCE";
  const lost = robot.faults.some((fault) => fault.code === "LOST");
  document.body.dataset.lost = lost;
  say("headline", (lost && robot.status !== "STOPPED" ? t("lost_title") : standing ? null : waiting ?? driving) ?? doing);
  say("doing", robot.mode === "PAUSED" ? t("paused") : doing);
  say("place", nameOf(robot.current_location));
  const level = robot.battery_level;
  $("battery").value = level ?? 0;
  say("battery-text", level == null ? t("battery_unknown") : `${Math.round(level * 100)} %`);
  $("plan").toggleAttribute("hidden", !drives);
  const why = drives ? null : meaning("failure", drive?.reason);
  say("drive-note", why ? `${t("not_there", { goal: nameOf(drive.waypoint) })} ${why}` : "");
  showAsking(drives && drive.state === "ASKING" && robot.emergency_stop.active === false, goal);
  showLost(lost, robot.pose);
  $("faults").replaceChildren();
  for (const fault of robot.faults) if (fault.code !== "LOST") make($("faults"), "li", {}, meaning(fault.section, fault.key) ?? `${fault.message} ${fault.remedy}`);
  showStop(robot.emergency_stop);
}

let queue = [];

// Of a tray with several.
const inSlot = (slot) => slot && t("in_slot", { slot });

// What a task is at, and when it may begin, where that is later, or else will be there, to the minute: it is a guess.
function stepOf({ step, status, slot, not_before: from, eta }) {
  const waits = status === "QUEUED" && from && new Date(from) > Date.now();
  const more = waits ? t("not_before", { time: moment(from) })
    : eta && step !== "WAITING_FOR_HANDOVER" ? t("there_about", { time: moment(eta) }) : null;
  return [meaning("step", step ?? status) ?? status, inSlot(slot), more].filter(Boolean).join(", ");
}

function showQueue(tasks) {
  queue = tasks;
  $("queue").replaceChildren();
  $("queue-note").hidden = tasks.length > 0;
  for (const task of tasks) {
    const item = make($("queue"), "li", task.status === "QUEUED" ? {} : { class: "active" });
    make(item, "span", { class: "way" }, `${nameOf(task.source_location)} → ${nameOf(task.destination_location)}`);
    make(item, "span", { class: "step" }, stepOf(task));
  }
}

async function loadMessages() {
  try {
    const messages = await get("/api/v1/notifications?limit=5");
    $("queue").replaceChildren();
    $("queue-note").hidden = messages.length > 0;
    for (const { title, message, created_at: at, read } of messages) {
      const item = make($("queue"), "li", read ? {} : { class: "active" });
      make(item, "span", { class: "way" }, `${title}, ${moment(at)}`);
      make(item, "span", { class: "step" }, message);
    }
  } catch { /* the next message or connection brings them */ }
}

let turned = 0, size = 0.3;

function showPose({ x, y, theta }) {
  const degrees = -theta * 180 / Math.PI;
  turned += ((degrees - turned + 540) % 360 + 360) % 360 - 180;  // the short way round, so that it never spins
  $("robot").style.transform = `translate(${x}px, ${-y}px) rotate(${turned}deg) scale(${size})`;
  $("robot").toggleAttribute("hidden", false);
}

// ---- The floor ----------------------------------------------------------------------------------------------------

const get = async (path) => {
  const answer = await fetch(path, { headers: session.bearer() });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return (await answer.json()).data;
};

let floor = null;

async function loadFloor() {
  try {
    const points = await get("/api/v1/robot/waypoints?limit=100");
    places = new Map(points.map((one) => [one.location_code, one.name]));
    if (!reader) showQueue(queue);
    offerPlaces(points.filter((one) => one.kind !== "junction" && one.is_active), () => ({ token: session.token(), size }));
    floor = await get("/api/v1/robot/map");
    await paintFloor();
    frame(points);
  } catch (error) {
    $("map-note").hidden = floor !== null;
  }
}

async function paintFloor() {
  // In the page's own colours: what was never seen is left out, so that a scanner's fringe does not shout.
  const picture = new Image();
  picture.src = floor.image;
  await picture.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: floor.width, height: floor.height });
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const pixels = context.getImageData(0, 0, floor.width, floor.height);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim().match(/\w\w/g).map((hex) => parseInt(hex, 16));
  const [open, wall] = [colour("--floor"), colour("--wall")];
  for (let at = 0; at < pixels.data.length; at += 4) {
    const grey = pixels.data[at];
    const known = grey > 220 ? open : grey < 100 ? wall : null;
    if (known) pixels.data.set(known, at);
    pixels.data[at + 3] = known ? 255 : 0;
  }
  context.putImageData(pixels, 0, 0);
  const [x, y, theta] = floor.origin, [width, height] = [floor.width * floor.resolution, floor.height * floor.resolution];
  const at = { href: canvas.toDataURL(), x, y: -y - height, width, height, transform: `rotate(${-theta * 180 / Math.PI} ${x} ${-y})` };
  for (const [key, value] of Object.entries(at)) $("walls").setAttribute(key, value);
}

function frame(points) {
  const [x, y] = floor.origin, [width, height] = [floor.width * floor.resolution, floor.height * floor.resolution];
  const box = [x, x + width, -y - height, -y];
  if (points.length > 1) {  // the places and some air, where the map has much more
    const air = 3, [xs, ys] = [points.map((one) => one.x_coordinate), points.map((one) => -one.y_coordinate)];
    box[0] = Math.max(box[0], Math.min(...xs) - air); box[1] = Math.min(box[1], Math.max(...xs) + air);
    box[2] = Math.max(box[2], Math.min(...ys) - air); box[3] = Math.min(box[3], Math.max(...ys) + air);
  }
  $("map").setAttribute("viewBox", `${box[0]} ${box[2]} ${box[1] - box[0]} ${box[3] - box[2]}`);
  const unit = Math.max(box[1] - box[0], (box[3] - box[2]) * 1.4) / 100;
  size = Math.max(unit * 1.1, 0.19);
  $("plan").setAttribute("stroke-width", unit * 0.55);
  $("scan").setAttribute("stroke-width", unit * 0.35);
  showPlaces(points, unit, box);
}

// What stands on the door: "Study room 106" is 106 on a map, "SHELF-A" is A.
const SHORT = { room: ({ name }) => name.match(/\S*\d\S*$/)?.[0] ?? name, shelf: ({ location_code: code }) => code.split("-").pop() };

function showPlaces(points, unit, [left, right, top, bottom]) {
  const least = LABEL_PX * Math.max((right - left) / $("map").clientWidth, (bottom - top) / $("map").clientHeight);
  $("places").replaceChildren();
  for (const one of points) {
    if (one.kind === "junction" || !one.is_active) continue;
    const at = { class: one.kind, transform: `translate(${one.x_coordinate} ${-one.y_coordinate})` };
    const place = make($("places"), "g", at);
    make(place, "circle", { r: unit * (one.kind === "shelf" ? 0.4 : 0.75), "stroke-width": unit * 0.25 });
    const label = SHORT[one.kind]?.(one) ?? one.name;
    const font = Math.max(unit * (one.kind === "shelf" ? 1.7 : 2), least), half = label.length * font * 0.32, x = one.x_coordinate;
    const shift = Math.max(0, left + half - x) - Math.max(0, x + half - right);  // never cut off at the edge
    make(place, "text", { x: shift, y: -unit * 1.4, "font-size": font, "stroke-width": unit * 0.5 }, label);
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => floor && paintFloor());

// ---- STOP ---------------------------------------------------------------------------------------------------------

let pressedAt = -Infinity, failedAt = -Infinity, asking = 0, stopState;

async function stop() {
  if (performance.now() - pressedAt < SAME_PRESS_MS) return;
  pressedAt = performance.now();
  asking += 1;
  document.body.dataset.stop = "asking";
  labelStop();
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "emergency_stop" }));
  try {
    const headers = session.bearer(), limit = AbortSignal.timeout(STOP_LIMIT_MS);
    const answer = await fetch($("stop").action, { method: "POST", keepalive: true, headers, signal: limit });
    stopOutcome(answer.ok);
  } catch {
    stopOutcome(false);
  }
}

function stopOutcome(confirmed) {
  if (confirmed) {
    asking = 0;
    failedAt = -Infinity;
    stopState = { ...stopState, state: "LATCHED", active: true };
    if (reader) setTimeout(() => { stopState = undefined; labelStop(); }, TOLD_MS);
  } else if (asking > 0 && !(stopState?.active && document.body.dataset.link === "live")) {
    asking = 0;
    failedAt = performance.now();
  }
  labelStop();
}

function showStop(now) {
  stopState = now;
  if (now.active) { asking = 0; failedAt = -Infinity; }
  labelStop();
}

function labelStop() {
  const link = document.body.dataset.link;
  const [state, label, note] =
    failedAt > 0 ? ["failed", t("stop_failed"), t("press_red")]
    : asking > 0 ? ["asking", t("stopping"), t("stopping_note")]
    : link === "lost" ? ["unknown", t("stop"), t("stop_lost")]
    : link === "unknown" ? ["unknown", t("stop"), t("stop_unknown")]
    : stopState?.active ? ["stopped", t("stopped"), stoppedNote(stopState)]
    : stopState?.active === null ? ["unknown", t("stop"), t("stop_gate_away")]
    : stopState?.state === "RESET" ? ["stopped", t("stopped"), t("stop_reset")]
    : ["ready", t("stop"), t("stop_note")];
  document.body.dataset.stop = state;
  say("stop-label", label);
  say("stop-note", note);
}

function stoppedNote({ source, since }) {
  const by = meaning("page", `by_${source}`) ?? "";
  return `${by} ${since ? t("stopped_since", { time: clock(since) }) : t("stopped_now")}`.trim();
}

// On touch, not on release; the form's own submit is for keyboards, and for pages without this script.
$("stop-button").addEventListener("pointerdown", stop);
$("stop").addEventListener("submit", (event) => { event.preventDefault(); stop(); });

// ---- Signing in, where this is not the robot's own screen ---------------------------------------------------------

async function attempt(work) {
  say("sign-in-note", "");
  try {
    if (await work() !== false) signedIn();
  } catch (error) {
    $("sign-in").hidden = false;
    say("sign-in-note", error.message);
  }
}

$("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(() => session.signIn("login", Object.fromEntries(new FormData(event.target))));
});

document.addEventListener("luna:language", () => {
  if (reader) loadMessages();
  else {
    showQueue(queue);
    if (known) showStatus(known);
  }
  watch();
});

const buttons = $("account").querySelectorAll("button");  // one for each provider
const orSay = (work) => work().catch((error) => say("account-note", error.message));

async function showLinks() {
  const linked = await session.linked();
  for (const button of buttons) {
    button.dataset.say = linked.includes(button.value) ? "unlink_from" : "link_with";
    button.textContent = t(button.dataset.say, JSON.parse(button.dataset.facts));
  }
}

async function changeLink(button) {
  if (button.dataset.say === "link_with") return session.link(button.value);
  await session.unlink(button.value);
  await showLinks();
}

for (const button of buttons) button.addEventListener("click", () => orSay(() => changeLink(button)));

setInterval(async () => { if (session.isDue() && await session.renew()) sendToken(); }, 250);
setInterval(watch, 250);
connect();
attempt(session.redeemTicket);
