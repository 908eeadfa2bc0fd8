// See what is wrong with a request, field by field.

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});

const { error } = await api.POST("/v1/emails", {
  body: { from: "App <no-reply@example.com>", to: ["ann", "bob"], subject: "Your receipt", text: "Thanks." },
});
if (!error) throw new Error("it was accepted");
console.log(error.status, error.type);
for (const { field, message } of error.errors ?? []) console.log(`${field}: ${message}`);
