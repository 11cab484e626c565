"""What `make up` leaves to look at: a page of the stack, and a pad to draw a digit on."""
