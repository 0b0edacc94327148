"""Pure rules: functions of time, state and input. River lives here, and only where it is the model."""
