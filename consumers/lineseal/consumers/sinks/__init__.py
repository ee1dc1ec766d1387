"""The receivers a record can be shipped to: one module per kind of receiver.

A sink sends a batch and says for every record how it went; what follows from that (try again,
cut the batch, give up, stop) is decided in ``lineseal.consumers.forward``, for all sinks alike.
"""
