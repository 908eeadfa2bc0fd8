// Send many emails by one call, each of them once; a bad one stops no other.

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});

// Up to 100 at once. After a timeout, send the same list again: what was stored is not sent twice.
const emails = ["ann@example.net", "bob@example.net", "nobody"].map((address, number) => ({
  from: "App <no-reply@example.com>",
  to: address,
  subject: "Your invoice",
  text: "It is ready.",
  idempotency_key: `invoice-${process.pid}-${number}`,
}));
const { data, error } = await api.POST("/v1/emails/batch", { body: emails });
if (error) throw new Error(error.detail);
for (const one of data.data) {
  // in the order of the list
  if ("id" in one) console.log(one.id, one.status);
  else console.log(one.errors.map((fault) => `${fault.field}: ${fault.message}`).join("; "));
}
