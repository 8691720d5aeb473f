"""The welcome screen, and the dialogs above the main screen."""
