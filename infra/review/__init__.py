"""What a reviewer reads before an update: the preview as a report, with what Azure will do."""
