"""Mail, by any SMTP server."""
