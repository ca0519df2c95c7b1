"""makertasks: OpenMakerSuite's background tasks on AWS Lambda, with nothing to keep alive."""
