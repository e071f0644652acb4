"""The administration: services, keys, people and rules, each within the institutions that a person administers."""

from messaging.admin import batches, institution, messages, pauses, people, service, templates

__all__ = ["batches", "institution", "messages", "pauses", "people", "service", "templates"]
