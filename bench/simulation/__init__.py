"""An installation under load, in simulated time: what an outage does to the queue, and how long the recovery takes.

The rules are the product's own: `app.domain` settles, routes, waits and claims, and `app.delivery` plans, keeps health
and takes the places of caps in every simulated worker. Modelled here is what AWS does (`lambda_queue`) and what the
providers do (`installation.Trouble`); the stores are dictionaries. Not simulated: the API, webhooks (so that nobody
falls silent), contents, suppressions, daily caps.

A run at a high rate stands for many emails with each of its own: see `installation.Installation.factor`.
"""
