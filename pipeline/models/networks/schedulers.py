"""Schedulers of diffusers, each with the predicted final latents of the last step (``pred_original_sample``)."""

from typing import Any

from diffusers import DPMSolverMultistepScheduler, EulerDiscreteScheduler, LCMScheduler


class Dpm(DPMSolverMultistepScheduler):  # type: ignore[misc] # untyped
    """DPM-Solver++, second-order multistep: Lu et al. 2022."""

    @property
    def pred_original_sample(self) -> Any:
        """Predicted latents without noise, 1×4×h×w."""
        return self.model_outputs[-1]


class Lcm(LCMScheduler):  # type: ignore[misc] # untyped
    """Latent consistency sampler (Luo et al. 2023). Stores the prediction, which only ``step`` returns."""

    pred_original_sample: Any = None

    # The pipeline inspects this signature: it passes a generator only if there is such a parameter.
    def step(
        self, model_output: Any, timestep: Any, sample: Any, generator: Any = None, return_dict: bool = True
    ) -> Any:
        """Run diffusers' step and store the prediction."""
        output = super().step(model_output, timestep, sample, generator=generator, return_dict=return_dict)
        self.pred_original_sample = output[1]
        return output


class Euler(EulerDiscreteScheduler):  # type: ignore[misc] # untyped
    """Euler's method (Karras et al. 2022, algorithm 2 without churn): adds no noise."""

    pred_original_sample: Any = None

    def step(self, model_output: Any, timestep: Any, sample: Any, return_dict: bool = True) -> Any:
        """Run diffusers' step and store the prediction."""
        output = super().step(model_output, timestep, sample, return_dict=return_dict)
        self.pred_original_sample = output[1]
        return output
