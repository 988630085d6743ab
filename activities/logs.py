"""What readers may follow of activities."""

from readers.logs import Log

ACTIVITIES = Log("activities", "activities.Activity")
