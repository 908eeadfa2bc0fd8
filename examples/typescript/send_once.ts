// Send an email once, however often the request is made: after a timeout, say.

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});

const key = `receipt-of-order-${process.pid}`; // your own name of what is sent: the order, not the request

async function send(): Promise<string> {
  const { data, error } = await api.POST("/v1/emails", {
    params: { header: { "Idempotency-Key": key } },
    body: {
      from: "App <no-reply@example.com>",
      to: "ann@example.net",
      subject: "Your receipt",
      text: "Thank you.",
    },
  });
  if (error) throw new Error(error.detail);
  return data.id;
}

const first = await send();
const again = await send();
if (first !== again) throw new Error("it was sent twice");
console.log(first);
