// Cancel an email that still waits.

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});

const sent = await api.POST("/v1/emails", {
  body: {
    from: "App <no-reply@example.com>",
    to: "ann@example.net",
    subject: "Your receipt",
    text: "Thank you.",
  },
});
if (sent.error) throw new Error(sent.error.detail);

const { data, error } = await api.POST("/v1/emails/{email_id}/cancel", { params: { path: { email_id: sent.data.id } } });
if (error && error.status !== 409) throw new Error(error.detail);
console.log(data?.status ?? error?.detail); // 409: a provider has it already
