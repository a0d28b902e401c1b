"""diffusers' schedulers, each of which says after every step what it expects the picture to be (``expected``)."""

from typing import Any

from diffusers import DPMSolverMultistepScheduler, EulerDiscreteScheduler, LCMScheduler


class Dpm(DPMSolverMultistepScheduler):  # type: ignore[misc] # untyped
    """DPM-Solver++, second-order multistep: Lu et al. 2022."""

    @property
    def pred_original_sample(self) -> Any:
        """Latents without their noise, 1×4×h×w."""
        return self.model_outputs[-1]


class Lcm(LCMScheduler):  # type: ignore[misc] # untyped
    """Latent consistency, Luo et al. 2023. Remembers what nothing but its last step's answer says."""

    pred_original_sample: Any = None

    # The pipeline looks at the names of the parameters to see whether a generator is wanted.
    def step(
        self, model_output: Any, timestep: Any, sample: Any, generator: Any = None, return_dict: bool = True
    ) -> Any:
        """As diffusers' own."""
        answer = super().step(model_output, timestep, sample, generator=generator, return_dict=return_dict)
        self.pred_original_sample = answer[1]
        return answer


class Euler(EulerDiscreteScheduler):  # type: ignore[misc] # untyped
    """Euler's method, Karras et al. 2022, algorithm 2 without churn: it draws no noise of its own."""

    pred_original_sample: Any = None

    def step(self, model_output: Any, timestep: Any, sample: Any, return_dict: bool = True) -> Any:
        """As diffusers' own."""
        answer = super().step(model_output, timestep, sample, return_dict=return_dict)
        self.pred_original_sample = answer[1]
        return answer
