"""The ActiveCampaign-format door."""
