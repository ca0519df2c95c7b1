"""The app's two tables."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):  # type: ignore[misc]  # Django has no types here
    """Create the tables."""

    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="AppliedVersion",
            fields=[
                ("key", models.CharField(max_length=255, primary_key=True, serialize=False)),
                ("version", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="ReceivedMessage",
            fields=[
                ("id", models.CharField(max_length=255, primary_key=True, serialize=False)),
                ("received", models.DateTimeField(db_index=True)),
            ],
        ),
    )
