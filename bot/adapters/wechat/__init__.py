"""WeChat Official Account: passive replies at the webhook, customer-service messages through the API."""
