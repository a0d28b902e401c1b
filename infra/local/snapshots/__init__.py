"""Snapshots of the emulator's state: taken while it runs, so that a kill loses seconds.

``files`` knows the folders and needs no emulator. ``memory``, ``saver`` and ``changes`` run in the emulator's process.
"""
