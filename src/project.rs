//! Finding a project and reading its files into a model; every problem of every file in one go.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{self, Config};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document;
use crate::environment::EnvironmentFile;
use crate::lint;
use crate::model::Model;
use crate::name;
use crate::schema::{self, SchemaFile};
use crate::source::{SourceId, SourceMap, Span};
use crate::store::{self, ReadProblem};

/// The file that makes a directory a project.
pub const CONFIG: &str = "envctl.toml";

/// The largest file that is read, in bytes.
pub const MAX_FILE: u64 = 20 << 20;

/// Which environments a command needs.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// All there are.
    All,
    /// These and their ancestors; nothing stands for the default one.
    Named(Vec<Option<String>>),
}

/// A project as far as it could be read.
#[derive(Debug)]
pub struct Loaded {
    /// The directory of `envctl.toml`.
    pub root: PathBuf,
    /// The model, if `envctl.toml`, all schemas and the wanted environments are readable.
    pub model: Option<Model>,
    /// The texts read.
    pub sources: SourceMap,
    /// What is wrong with them.
    pub problems: Diagnostics,
    /// Whether checks were left out because a file could not be read or parsed.
    pub incomplete: bool,
    /// The environment meant where none was named.
    pub default_environment: Option<String>,
}

/// Walks up from `start` to the nearest directory that holds `envctl.toml`.
pub fn find(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|directory| may_be_there(&directory.join(CONFIG))).map(Path::to_owned)
}

/// Whether there is something at a path, or it cannot be found out: reading it then says why. What cannot be looked at is
/// not taken for absent.
fn may_be_there(path: &Path) -> bool {
    let absent = |kind| matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    std::fs::symlink_metadata(path).map_or_else(|error| !absent(error.kind()), |_| true)
}

/// Where the files of a project are.
#[derive(Debug, Clone, Copy)]
pub enum Files<'f> {
    /// In the project's directory.
    Disk,
    /// Here, by path: what is about to be committed.
    Given(&'f BTreeMap<String, Vec<u8>>),
}

/// Reads the project at `root`. `trusted` is the id of a project whose `envctl.toml` others may own or change; `default` stands in for the
/// default environment of `envctl.toml`.
pub fn load(root: &Path, wanted: &Wanted, default: Option<&str>, trusted: Option<&str>) -> Loaded {
    load_from(Files::Disk, root, wanted, default, trusted)
}

/// The same with the files from elsewhere.
pub fn load_from(
    files: Files<'_>,
    root: &Path,
    wanted: &Wanted,
    default: Option<&str>,
    trusted: Option<&str>,
) -> Loaded {
    let mut loader = Loader {
        files,
        root: root.canonicalize().unwrap_or_else(|_| root.to_owned()),
        sources: SourceMap::default(),
        problems: Diagnostics::default(),
        incomplete: false,
    };
    let config = loader.config(trusted);
    let schemas = loader.schemas();
    for span in schema::hidden(&schemas) {
        loader.sources.hide(span);
    }
    let views = schema::views(&schemas, &mut loader.problems);
    let environment_names = loader.environment_names();
    let configured =
        config.as_ref().and_then(|config| config.default_environment.as_ref().map(|name| name.value.clone()));
    let default_environment = default.map(str::to_owned).or(configured);
    let queue: Vec<String> = match wanted {
        Wanted::All => environment_names.iter().cloned().collect(),
        Wanted::Named(names) => {
            names.iter().filter_map(|name| name.clone().or_else(|| default_environment.clone())).collect()
        }
    };
    // Whether a secret may have a default depends on the environments it is for: they are looked at whatever was asked.
    let variables = schemas.values().flat_map(|schema| schema.variables.values());
    let with_default = variables.filter(|variable| variable.is_secret() && variable.default.is_some());
    let only_in = with_default.flat_map(|variable| variable.only_in.iter().flatten()).map(|name| name.value.clone());
    let queue: Vec<String> = queue.into_iter().chain(only_in).collect();
    let (environments, overlays) = loader.environments(queue, &environment_names);
    let Loader { root, mut sources, mut problems, incomplete, files: _ } = loader;
    let model = config.map(|config| Model::new(config, schemas, views, environments, overlays, environment_names));
    let model = model.filter(|_| !incomplete);
    if let Some(model) = &model {
        model.open_sources(&mut sources);
        lint::lint(model, &mut problems);
    }
    Loaded { root, model, sources, problems, incomplete, default_environment }
}

/// How a text is added: open or masked.
type AddSource = fn(&mut SourceMap, String, Arc<str>) -> SourceId;

struct Loader<'f> {
    files: Files<'f>,
    root: PathBuf,
    sources: SourceMap,
    problems: Diagnostics,
    incomplete: bool,
}

impl Loader<'_> {
    fn config(&mut self, trusted: Option<&str>) -> Option<Config> {
        let (text, source) =
            self.read(Path::new(CONFIG), |sources, path, text| sources.add_shaped(path, text, config::visible))?;
        let config = Config::read(&text, source, &mut self.problems);
        let on_disk = matches!(self.files, Files::Disk);
        if on_disk && config.as_ref().is_none_or(|config| trusted != Some(config.id.value.as_str())) {
            self.check_owner(source);
        }
        self.incomplete |= config.is_none();
        config
    }

    /// The rule git has for repositories: what another user may have written is not acted upon.
    #[cfg(unix)]
    fn check_owner(&mut self, source: SourceId) {
        use std::os::unix::fs::MetadataExt;
        let Ok(metadata) = std::fs::metadata(self.root.join(CONFIG)) else {
            return;
        };
        let user = rustix::process::geteuid().as_raw();
        let flaw = match () {
            () if metadata.uid() != user && metadata.uid() != 0 => "it belongs to another user",
            () if metadata.mode() & 0o002 != 0 => "anybody on this machine may change it",
            () => return,
        };
        let span = Span { source, start: 0, end: 0 };
        let diagnostic =
            Diagnostic::error(Code::UnsafeOwner, format!("envctl.toml is not trusted: {flaw}")).at(span, "");
        self.problems.push(
            diagnostic.help("`chown` or `chmod o-w` it, or set ENVCTL_TRUST to the project's id where that is meant"),
        );
    }

    #[cfg(not(unix))]
    fn check_owner(&mut self, _source: SourceId) {}

    fn schemas(&mut self) -> BTreeMap<String, SchemaFile> {
        let mut schemas = BTreeMap::new();
        for name in self.names("schemas") {
            let path = PathBuf::from("schemas").join(format!("{name}.toml"));
            if !self.is_word("a schema", "schemas", &name) {
                continue;
            }
            let Some((text, source)) = self.read(&path, SourceMap::add_open::<String, Arc<str>>) else { continue };
            match SchemaFile::read(&name, &text, source, &mut self.problems) {
                Some(file) => {
                    schemas.insert(name, file);
                }
                None => self.incomplete = true,
            }
        }
        schemas
    }

    /// Reads the environments of `queue` with their ancestors, and the overlays of those in `queue`.
    fn environments(
        &mut self,
        queue: Vec<String>,
        known: &BTreeSet<String>,
    ) -> (BTreeMap<String, EnvironmentFile>, BTreeMap<String, EnvironmentFile>) {
        let (mut environments, mut overlays) = (BTreeMap::new(), BTreeMap::new());
        for name in &queue {
            if self.exists(&overlay_path(name)) {
                self.environment(name, true, &mut overlays);
            }
        }
        let mut queue = queue;
        while let Some(name) = queue.pop() {
            if environments.contains_key(&name) || !known.contains(&name) {
                continue;
            }
            self.environment(&name, false, &mut environments);
            let parent = environments.get(&name).and_then(|file| file.extends.as_ref());
            queue.extend(parent.map(|parent| parent.value.clone()));
        }
        (environments, overlays)
    }

    fn environment(&mut self, name: &str, overlay: bool, files: &mut BTreeMap<String, EnvironmentFile>) {
        let path = if overlay { overlay_path(name) } else { environment_path(name) };
        let add = |sources: &mut SourceMap, path, text| sources.add_shaped(path, text, document::shape);
        let Some((text, source)) = self.read(&path, add) else {
            return;
        };
        match EnvironmentFile::read(name, overlay, &text, source, &mut self.problems) {
            Some(file) => {
                files.insert(name.to_owned(), file);
            }
            None => self.incomplete = true,
        }
    }

    /// The environments there are; a file that is none is reported: it would be left out without a word.
    fn environment_names(&mut self) -> BTreeSet<String> {
        let listed = self.names("environments");
        let overlays: Vec<String> =
            listed.iter().filter_map(|name| Some(name.strip_suffix(".local")?.to_owned())).collect();
        let names = listed.into_iter().filter(|name| name.strip_suffix(".local").is_none());
        let names: BTreeSet<String> =
            names.filter(|name| self.is_word("an environment", "environments", name)).collect();
        for base in overlays {
            if !names.contains(&base) {
                let unknown = lint::unknown_environment(&base, names.iter().map(String::as_str));
                let message = format!("environments/{base}.local.toml overlays `{base}`, which does not exist");
                self.problems.push(Diagnostic { message, ..unknown });
            }
        }
        names
    }

    fn is_word(&mut self, what: &str, directory: &str, name: &str) -> bool {
        let right = name::is_word(name);
        if !right {
            let message = format!("{directory}/{name}.toml: this cannot be the name of {what}");
            let help = "rename the file: lower-case letters, digits, `_` and `-`, beginning with a letter or digit";
            self.problems.push(Diagnostic::error(Code::InvalidName, message).help(help));
            self.incomplete = true;
        }
        right
    }

    fn exists(&self, path: &Path) -> bool {
        if let Files::Given(files) = self.files {
            return path.to_str().is_some_and(|path| files.contains_key(path));
        }
        may_be_there(&self.root.join(path))
    }

    /// The names of the `.toml` files of a directory, sorted; overlays are among them as `NAME.local`.
    fn names(&mut self, directory: &str) -> Vec<String> {
        let listed = self.list(directory);
        let mut names = Vec::new();
        match listed {
            Ok(files) => {
                for file in &files {
                    let path = Path::new(file);
                    if path.extension() != Some(OsStr::new("toml")) || file.as_encoded_bytes().starts_with(b".") {
                        continue;
                    }
                    match path.file_stem().and_then(OsStr::to_str) {
                        Some(name) => names.push(name.to_owned()),
                        None => self.fail(Code::InvalidName, &format!("{directory}: a file name is not UTF-8")),
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                self.fail(Code::Io, &format!("{directory} cannot be listed: it is not a directory"));
            }
            Err(error) => {
                self.fail(Code::Io, &format!("{directory} cannot be listed: {}", store::describe(error.kind())));
            }
        }
        names.sort();
        names
    }

    /// The names of the files of a directory.
    fn list(&self, directory: &str) -> io::Result<Vec<OsString>> {
        if let Files::Given(files) = self.files {
            let below = |path: &String| path.strip_prefix(directory)?.strip_prefix('/').map(OsString::from);
            return Ok(files.keys().filter_map(below).collect());
        }
        std::fs::read_dir(self.root.join(directory))?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    }

    fn fail(&mut self, code: Code, message: &str) {
        self.problems.push(Diagnostic::error(code, message));
        self.incomplete = true;
    }

    fn bytes(&self, path: &Path, full: &Path) -> Result<Vec<u8>, ReadProblem> {
        let Files::Given(files) = self.files else {
            return store::read_limited(full, MAX_FILE);
        };
        let bytes = path.to_str().and_then(|path| files.get(path));
        let bytes = bytes.ok_or(ReadProblem::Io(io::ErrorKind::NotFound))?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(ReadProblem::TooLarge { limit: MAX_FILE });
        }
        Ok(bytes.clone())
    }

    /// Reads a file of the project and adds it to the sources; problems are reported and make the project incomplete.
    fn read(&mut self, path: &Path, add: AddSource) -> Option<(Arc<str>, SourceId)> {
        let shown = path.to_string_lossy().into_owned();
        let full = self.root.join(path);
        let on_disk = matches!(self.files, Files::Disk);
        if on_disk && full.canonicalize().is_ok_and(|real| !real.starts_with(&self.root)) {
            self.fail(Code::OutsideProject, &format!("{shown} is a link to a file outside of the project"));
            return None;
        }
        let bytes = match self.bytes(path, &full) {
            Ok(bytes) => bytes,
            Err(problem) => {
                let (code, message) = match problem {
                    ReadProblem::NotRegular { kind } => {
                        (Code::NotARegularFile, format!("{shown} is {kind}, not a file"))
                    }
                    ReadProblem::TooLarge { limit } => {
                        (Code::FileTooLarge, format!("{shown} is larger than {} MiB", limit >> 20))
                    }
                    ReadProblem::Io(io::ErrorKind::NotFound) if self.exists(path) => {
                        (Code::Io, format!("{shown} is a link to nothing"))
                    }
                    ReadProblem::Io(kind) => (Code::Io, format!("{shown} cannot be read: {}", store::describe(kind))),
                };
                self.fail(code, &message);
                return None;
            }
        };
        match String::from_utf8(bytes) {
            Ok(text) => {
                let text: Arc<str> = Arc::from(text);
                let source = add(&mut self.sources, shown, Arc::clone(&text));
                Some((text, source))
            }
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let hint = if error.as_bytes().starts_with(&[0xff, 0xfe]) || error.as_bytes().starts_with(&[0xfe, 0xff])
                {
                    " (it looks like UTF-16)"
                } else {
                    ""
                };
                self.fail(Code::NotUtf8, &format!("{shown} is not UTF-8 text: wrong at byte {at}{hint}"));
                None
            }
        }
    }
}

/// Whether the files of the project are still those that were read.
pub fn is_current(loaded: &Loaded) -> bool {
    let files = loaded.sources.all().filter(|(path, _)| Path::new(path).extension() == Some(OsStr::new("toml")));
    files.into_iter().all(|(path, text)| {
        store::read_limited(&loaded.root.join(path), MAX_FILE).is_ok_and(|bytes| bytes == text.as_bytes())
    })
}

fn environment_path(name: &str) -> PathBuf {
    PathBuf::from("environments").join(format!("{name}.toml"))
}

fn overlay_path(name: &str) -> PathBuf {
    PathBuf::from("environments").join(format!("{name}.local.toml"))
}
