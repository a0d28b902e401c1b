"""Decoding of uploaded pictures and sound, in a child process that can be interrupted at any time."""
