"""The whole product from outside: the real program, real sockets, a real browser."""
