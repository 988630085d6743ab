"""The API of the ActiveCampaign format, version 3, as far as programs that send events use it."""
