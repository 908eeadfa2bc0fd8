// Send an email, and follow the feed of events until it is delivered.

import { setTimeout } from "node:timers/promises";

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});

const from = new Date().toISOString();
const body = { from: "app@example.com", to: "ann@example.net", subject: "Followed", text: "Thank you." };
const email = await api.POST("/v1/emails", { body });
if (email.error) throw new Error(email.error.detail);

let after: string | undefined; // keep it: after a restart, it goes on there
let isDelivered = false;
while (!isDelivered) {
  const where = after === undefined ? { from } : { after };
  const { data, error } = await api.GET("/v1/events", { params: { query: { ...where, email_id: email.data.id } } });
  if (error) throw new Error(error.detail);
  for (const event of data.events) {
    console.log(event.type, event.data.recipient);
    isDelivered ||= event.type === "email.delivered";
  }
  after = data.after;
  if (!data.has_more) await setTimeout(2000); // an event is there ten seconds after it was recorded
}
