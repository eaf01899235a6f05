"""What environments are made of, as a figure each."""

from bench.environments import resources


def test_each_environment_has_its_number_of_resources_and_those_of_aws_by_service() -> None:
    figures = list(resources())
    assert [figure.what for figure in figures] == [f"resources of {name}" for name in ("dev", "qa", "staging", "prod")]
    assert all(figure.value > 100 and " ec2" in figure.detail for figure in figures)
