// Try those again whom an email did not reach. Its id is the argument; that of local mode's failed email by default.

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});
const email_id = process.argv[2] ?? "eml_z5m7wk2xq4tc6yn3bv2j7h4pqe";

const { data, error } = await api.POST("/v1/emails/{email_id}/retry", {
  params: { path: { email_id } },
  body: { recipients: ["ann@example.com"] },
});
if (error && error.status !== 409) throw new Error(error.detail);
// 409: they are being tried, have got it, or may have got it.
console.log(data ? `${data.status} until ${data.expires_at}` : error?.detail);
