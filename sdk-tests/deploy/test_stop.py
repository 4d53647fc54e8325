"""The stop of the container. It is the last file with the server."""


def test_sigterm_ends_the_server_of_the_image(server):
    server.process.terminate()

    assert server.process.wait(60) in (0, 143)
