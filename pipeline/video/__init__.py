"""Moving pictures and their sound, a frame and a block at a time: nothing here holds a whole video."""
