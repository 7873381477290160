"""How people and programs elsewhere are reached: mail, webhooks, browsers, and other people's messengers."""
