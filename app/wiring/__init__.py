"""Builds the parts of a process and puts them together. A process imports only the modules that it needs.

parts     `build`: every use case, over stores, a queue, a clock and providers that are passed in
sweep     the sweep, which needs neither a provider nor an HTTP client
process   a whole process, over real AWS clients and the providers of the settings
aws       AWS clients, and the environment of a deployed process
"""
