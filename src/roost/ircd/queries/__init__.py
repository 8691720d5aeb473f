"""What commands such as WHO, LIST and CHATHISTORY ask for, and may find."""
