"""SmartREST 2.0 without I/O: the rows that devices send and receive."""
