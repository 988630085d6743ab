"""The page that explains the APIs of the hub, made of their OpenAPI document."""
