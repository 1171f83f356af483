// The desk: asks for what is new each second and at once after a deed, and hands each part what is its own.

import { Clock } from "./clock.js";
import { Mailbox } from "./mailbox.js";
import { Organizer } from "./organizer.js";
import { Phone } from "./phone.js";
import { Switches } from "./switches.js";
import { ask, trouble } from "./shared.js";

const EVERY = 1000; // ms between two questions

function news(name) {
  const tab = document.querySelector(`[data-tab=${name}]`);
  tab.querySelector(".new").hidden = tab.getAttribute("aria-pressed") === "true";
}

const phones = { wechat: new Phone("wechat", refresh, news), telegram: new Phone("telegram", refresh, news) };
const devices = { ...phones, mail: new Mailbox(news) };
const clock = new Clock(refresh);
const switches = new Switches(refresh);

function choose(name) {
  document.querySelector(".phones").dataset.shown = name;
  for (const tab of document.querySelectorAll("[data-tab]")) {
    tab.setAttribute("aria-pressed", String(tab.dataset.tab === name));
  }
  news(name);
  devices[name].toEnd();
}

const organizer = new Organizer(phones.telegram, choose);
phones.telegram.taken = () => organizer.show();

let asking = null;
async function refresh() {
  // One question at a time; who comes meanwhile gets the next one, so that nothing newer is missed.
  while (asking) await asking;
  asking = state();
  try { await asking; } finally { asking = null; }
}

async function state() {
  const asked = Object.assign({}, ...Object.values(devices).map((device) => device.asked()));
  let answer;
  try {
    answer = await ask(`state?${new URLSearchParams(asked)}`);
  } catch (error) {
    for (const device of Object.values(devices)) trouble(device.root, error.message);
    document.body.dataset.offline = "true";
    return;
  }
  if (document.body.dataset.offline) {
    delete document.body.dataset.offline;
    for (const device of Object.values(devices)) trouble(device.root, "");
  }
  clock.show(answer);
  switches.show(answer.switches);
  for (const [name, device] of Object.entries(devices)) device.show(answer[name], asked);
}

async function begin() {
  for (const tab of document.querySelectorAll("[data-tab]")) tab.addEventListener("click", () => choose(tab.dataset.tab));
  for (const phone of Object.values(phones)) if (!phone.person) await phone.fresh();
  await refresh();
  document.body.dataset.ready = "true";
  setInterval(() => { if (!document.hidden && !asking) refresh(); }, EVERY);
}

begin();
