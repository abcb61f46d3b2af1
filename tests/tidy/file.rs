//! A file of the repository and its place in the house.

pub struct File {
    pub path: String,
    pub text: String,
}

impl File {
    pub fn planted(path: &str, text: &str) -> Vec<File> {
        vec![File {
            path: path.to_string(),
            text: text.to_string(),
        }]
    }

    pub fn starts_with_one_of(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.path.starts_with(place))
    }

    /// The module of the crate it belongs to; None for the crate's root and for programs.
    pub fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let name = inside.split('/').next()?;
        let name = name.strip_suffix(".rs").unwrap_or(name);
        (name != "lib" && name != "bin").then_some(name)
    }

    /// How many `super::` lead from the file's module to the crate's root.
    pub fn depth(&self) -> usize {
        let slashes = self.path.matches('/').count();
        slashes - usize::from(self.path.ends_with("/mod.rs"))
    }
}
