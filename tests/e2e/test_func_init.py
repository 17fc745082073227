"""func init and func new: files, messages, exit codes (specs/functions-host.md, 1.2 and 1.3)."""

import json
from pathlib import Path
from typing import Callable, Dict, List, Optional

import pytest
from funchost import environment

CREATED = 'The function "{}" was created successfully from the "{}" template.'
V2_FILES = [
    ".gitignore",
    ".vscode/extensions.json",
    "function_app.py",
    "host.json",
    "local.settings.json",
    "requirements.txt",
]


@pytest.fixture
def func(run: Callable, program: str, tmp_path: Path) -> Callable:
    def call(
        *words: str, cwd: Path = tmp_path, env: Optional[Dict[str, str]] = None, **options: object
    ):
        clean = {"VIRTUAL_ENV": "", "HOME": str(tmp_path)}
        return run([program, "func", *words], cwd=cwd, env={**clean, **(env or {})}, **options)

    return call


def files_of(root: Path) -> List[str]:
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


def test_init_writes_the_v2_files(func: Callable, tmp_path: Path) -> None:
    out = func("init", "App", "--python").stdout
    app = tmp_path / "App"
    assert files_of(app) == V2_FILES
    assert out.startswith("The new Python programming model is generally available. Learn more at ")
    assert [line for line in out.split("\n") if line.startswith("Writing ")] == [
        "Writing requirements.txt",
        "Writing function_app.py",
        "Writing .gitignore",
        "Writing host.json",
        "Writing local.settings.json",
        "Writing .vscode/extensions.json",
    ]
    assert json.loads((app / "host.json").read_text()) == {
        "version": "2.0",
        "logging": {
            "applicationInsights": {
                "samplingSettings": {"isEnabled": True, "excludedTypes": "Request"}
            }
        },
        "extensionBundle": {
            "id": "Microsoft.Azure.Functions.ExtensionBundle",
            "version": "[4.*, 5.0.0)",
        },
    }
    assert json.loads((app / "local.settings.json").read_text()) == {
        "IsEncrypted": False,
        "Values": {
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
        },
    }
    for path in app.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert (
                b"\r" not in data and not data.startswith(b"\xef\xbb\xbf") and data.endswith(b"\n")
            )


def test_init_twice_changes_nothing(func: Callable, tmp_path: Path) -> None:
    func("init", "App", "--python")
    app = tmp_path / "App"
    before = {name: (app / name).read_bytes() for name in files_of(app)}
    (app / "host.json").write_text("mine")
    before["host.json"] = b"mine"
    out = func("init", "App", "--python").stdout
    assert {name: (app / name).read_bytes() for name in files_of(app)} == before
    assert out.count("already exists. Skipped!") == len(V2_FILES)
    assert "Writing" not in out


@pytest.mark.parametrize(
    "words, env, present, absent",
    [
        (["-m", "v1"], {}, ["getting_started.md"], ["function_app.py"]),
        (["--model", "V1", "--no-docs"], {}, [], ["function_app.py", "getting_started.md"]),
        ([], {"MEMLINE_FUNC_DEFAULT_MODEL": "v1"}, ["getting_started.md"], ["function_app.py"]),
        (["-m", "v2"], {"MEMLINE_FUNC_DEFAULT_MODEL": "v1"}, ["function_app.py"], []),
        (["--docker"], {}, ["Dockerfile", "function_app.py"], []),
        (["--docker-only"], {}, ["Dockerfile"], ["function_app.py"]),
        (["--worker-runtime", "py"], {}, ["function_app.py"], []),
        (["--worker-runtime=python"], {}, ["function_app.py"], []),
    ],
)
def test_init_variants(
    func: Callable,
    tmp_path: Path,
    words: List[str],
    env: Dict[str, str],
    present: List[str],
    absent: List[str],
) -> None:
    func("init", *words, "App", env=env)
    there = files_of(tmp_path / "App")
    assert set(present) <= set(there)
    assert not set(absent) & set(there)


def test_init_without_bundle_and_with_another_channel(func: Callable, tmp_path: Path) -> None:
    func("init", "A", "--python", "--no-bundle")
    assert "extensionBundle" not in json.loads((tmp_path / "A/host.json").read_text())
    func("init", "B", "--python", "-c", "Preview")
    bundle = json.loads((tmp_path / "B/host.json").read_text())["extensionBundle"]
    assert bundle["id"] == "Microsoft.Azure.Functions.ExtensionBundle.Preview"


@pytest.mark.parametrize(
    "words, text",
    [
        (
            ["-m", "v7"],
            "The programming model v7 is not supported. Valid options for language python and",
        ),
        (["-m", "v3"], "The v3 programming model is not supported for worker runtime python."),
        (
            ["--worker-runtime", "node"],
            "Worker runtime 'node' is not a valid option. Options are python",
        ),
        (["--managed-dependencies"], "Managed dependencies is only supported for PowerShell."),
        (["--node"], "memline func runs Python apps only."),
        (["--dotnet"], "memline func runs Python apps only."),
        (["-c", "Beta"], "Bundles channel 'Beta' is not a valid option."),
    ],
)
def test_init_failures(func: Callable, tmp_path: Path, words: List[str], text: str) -> None:
    done = func("init", "App", *words, status=1)
    assert done.stderr.startswith(text)
    assert not (tmp_path / "App" / "local.settings.json").exists()


def test_funcignore_names_a_venv_inside(func: Callable, tmp_path: Path) -> None:
    (tmp_path / "App" / ".venv").mkdir(parents=True)
    func("init", "App", "--python", env={"VIRTUAL_ENV": str(tmp_path / "App/.venv")})
    assert (tmp_path / "App/.funcignore").read_text() == "\n.venv"


# -- new ---------------------------------------------------------------------------------------------


def test_the_tutorials_commands(func: Callable, tmp_path: Path) -> None:
    func("init", "Demo", "--python")
    app = tmp_path / "Demo"
    for name in "HttpTriggerAsync", "HttpTriggerSync":
        out = func(
            "new", "-l", "python", "-t", "HttpTrigger", "-n", name, "-a", "anonymous", cwd=app
        ).stdout
        assert f"Writing {app}/{name}/function.json" in out
        assert CREATED.format(name, "HTTP trigger") in out
        assert json.loads((app / name / "function.json").read_text()) == {
            "scriptFile": "__init__.py",
            "bindings": [
                {
                    "authLevel": "anonymous",
                    "type": "httpTrigger",
                    "direction": "in",
                    "name": "req",
                    "methods": ["get", "post"],
                },
                {"type": "http", "direction": "out", "name": "$return"},
            ],
        }
        compile((app / name / "__init__.py").read_text(), name, "exec")


@pytest.mark.parametrize(
    "spelling", ["HttpTrigger", "HTTP trigger", "httptrigger", "http_trigger", "Http-Trigger"]
)
@pytest.mark.parametrize("model", ["v1", "v2"])
def test_every_spelling_in_both_models(
    func: Callable, tmp_path: Path, model: str, spelling: str
) -> None:
    func("init", "-m", model)
    func("new", "-m", model, "-t", spelling, "-n", "Fn")
    if model == "v1":
        assert (
            json.loads((tmp_path / "Fn/function.json").read_text())["bindings"][0]["authLevel"]
            == "function"
        )
    else:
        source = (tmp_path / "function_app.py").read_text()
        compile(source, "function_app.py", "exec")
        assert '@app.route(route="Fn", auth_level=func.AuthLevel.FUNCTION)\ndef Fn(req' in source


TEMPLATES = [
    "HTTP trigger",
    "Timer Trigger",
    "Queue trigger",
    "Blob trigger",
    "EventGrid",
    "EventHub",
    "ServiceBus Queue",
    "ServiceBus Topic",
    "CosmosDB trigger",
]


def test_all_templates_in_one_app_compile(func: Callable, tmp_path: Path) -> None:
    func("init")
    for i, template in enumerate(TEMPLATES):
        func("new", "-m", "v2", "-t", template, "-n", f"two{i}")
        func("new", "-m", "v1", "-t", template, "-n", f"one{i}")
        json.loads((tmp_path / f"one{i}" / "function.json").read_text())
        compile((tmp_path / f"one{i}" / "__init__.py").read_text(), "x", "exec")
    source = (tmp_path / "function_app.py").read_text()
    compile(source, "function_app.py", "exec")
    assert source.count("def two") == len(TEMPLATES)
    assert source.count("import azure.functions") == 1


def test_missing_imports_are_added(func: Callable, tmp_path: Path) -> None:
    func("init")
    (tmp_path / "function_app.py").write_text(
        "import azure.functions\n\nmine = azure.functions.FunctionApp()\n"
    )
    func("new", "-t", "HTTP trigger", "-n", "Fn")
    source = (tmp_path / "function_app.py").read_text()
    assert "import azure.functions as func\n" in source and "import logging\n" in source
    assert "@mine.route(" in source


def test_a_blueprint_file(func: Callable, tmp_path: Path) -> None:
    func("init")
    func("new", "-t", "HTTP trigger", "-n", "One", "-f", "shop.py")
    func("new", "-t", "Timer Trigger", "-n", "Two", "-f", "shop.py")
    source = (tmp_path / "shop.py").read_text()
    compile(source, "shop.py", "exec")
    assert "#   app.register_functions(shop)" in source
    assert source.count("func.Blueprint()") == 1
    assert "@shop.route(" in source and "@shop.schedule(" in source


def test_new_in_an_empty_folder_runs_init(func: Callable, tmp_path: Path) -> None:
    func("new", "-t", "HttpTrigger", "-n", "Fn", "-a", "anonymous")
    assert (tmp_path / "local.settings.json").exists()
    assert (tmp_path / "Fn" / "function.json").exists()


@pytest.mark.parametrize(
    "words, text",
    [
        (["-t", "Nope", "-n", "A"], 'Can\'t find template "Nope" in "python"\nHTTP trigger\n'),
        (
            ["-t", "HttpTrigger"],
            "Running with stdin\\stdout redirected. Command must specify --template, and --name explicitly.\nSee 'func help function' for more details\n",  # noqa: E501
        ),
        (["-n", "A"], "Running with stdin\\stdout redirected."),
        (["-t", "HttpTrigger", "-n", "1a"], "Function Name is not valid."),
        (["-t", "HttpTrigger", "-n", "host"], "Function Name is not valid."),
        (["-t", "HTTP trigger", "-n", "a-b"], "Function Name is not valid."),
        (["-t", "HTTP trigger", "-n", "a_"], "Function Name is not valid."),
        (["-t", "HTTP trigger", "-n", "a" * 129], "Function Name is not valid."),
        (
            ["-t", "TimerTrigger", "-n", "ab", "-a", "admin"],
            "Unable to configure Authorization level. The selected template does not use Http Trigger",
        ),
        (
            ["-t", "HttpTrigger", "-n", "ab", "-a", "root"],
            "Authorization level 'root' is not a valid option.",
        ),
        (
            ["-t", "HttpTrigger", "-n", "ab", "-l", "javascript"],
            "Selected language doesn't match worker set in local.settings.json. Selected worker is: python and selected language is: javascript",  # noqa: E501
        ),
        (["-t", "HTTP trigger", "-n", "ab", "-f", "../x.py"], "File name '../x.py' is not valid"),
    ],
)
def test_new_failures(func: Callable, tmp_path: Path, words: List[str], text: str) -> None:
    func("init")
    before = files_of(tmp_path)
    done = func("new", *words, status=1)
    assert done.stderr.startswith(text), done.stderr
    assert files_of(tmp_path) == before


def test_an_existing_folder_is_not_overwritten_at_end_of_file(
    func: Callable, tmp_path: Path
) -> None:
    func("init", "-m", "v1")
    (tmp_path / "Fn").mkdir()
    out = func("new", "-t", "HttpTrigger", "-n", "Fn", status=1).stdout
    assert "A directory with the name Fn already exists. Overwrite [y/n]? [n] " in out
    assert files_of(tmp_path / "Fn") == []


@pytest.mark.parametrize("words", [["--version"], ["-v"], ["version"], ["VERSION"]])
def test_version_is_one_line(
    func: Callable, tmp_path: Path, program: str, words: List[str]
) -> None:
    assert func(*words).stdout.count("\n") == 1
    link = tmp_path / "func"
    link.symlink_to(program)
    import subprocess

    assert subprocess.check_output([str(link), *words], env=environment(tmp_path)) == b"4.14.0\n"


@pytest.mark.parametrize(
    "words", [[], ["help"], ["-h"], ["-?"], ["--help"], ["init", "--help"], ["help", "start"]]
)
def test_help_goes_to_stdout(func: Callable, words: List[str]) -> None:
    done = func(*words)
    assert done.stdout and not done.stderr


def test_unknown_action_fails(func: Callable) -> None:
    assert func("frobnicate", status=1).stderr.startswith("Error: unknown argument frobnicate")


def test_unknown_option_is_told_and_passed_over(func: Callable, tmp_path: Path) -> None:
    out = func("init", "App", "--frob", "--python").stdout
    assert "Option '--frob' is not known here and is ignored." in out
    assert (tmp_path / "App" / "host.json").exists()


def test_script_root(func: Callable, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    func("--script-root", "sub", "init", "--python")
    assert (tmp_path / "sub" / "host.json").exists()
    assert func("init", "--prefix", "none", status=1).stderr == '"none" doesn\'t exist.\n'
