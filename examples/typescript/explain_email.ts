// Ask which way an email would take, and why. Nothing is sent.

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});

const { data, error } = await api.POST("/v1/emails/explain", {
  body: {
    from: "App <no-reply@example.com>",
    to: "ann@example.net",
    subject: "Your receipt",
    text: "Thank you.",
  },
});
if (error) throw new Error(error.detail);
for (const candidate of data.route) console.log(`${candidate.provider}: ${candidate.state}, ${candidate.why}`);
