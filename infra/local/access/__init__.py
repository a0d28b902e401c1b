"""Request guard of the local servers: Host and Origin checks, CORS and SigV4 verification around an ASGI application.

The emulator runs functions as processes of this user and answers on the loopback interface, which every web page and
every user of the machine can reach. The guard refuses whoever cannot prove to be told of the stack's secret key.
"""
