"""Runs detections over the store and keeps their alerts.

``findings`` asks the rules, ``lifecycle`` turns what they found into changes of alerts,
``detector`` does both after a commit, ``publish`` signs the changes into the topic of alerts.
"""
