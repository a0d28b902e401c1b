"""Request guard of the local servers: Host and Origin checks, CORS and SigV4 verification around an ASGI application.

The emulator runs functions as processes of this user. It listens on the loopback interface, which every web page and
every user of the machine can reach. The guard rejects requests not signed with a key of the stack.
"""
